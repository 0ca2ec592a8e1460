"""Printed by `python -m dms_s3_endpoint_cli schema --python`."""

from typing import Literal, NotRequired, TypedDict


class S3Settings(TypedDict):
    """The members of S3SETTINGS."""

    ADDCOLUMNNAME: NotRequired[bool]
    ADDTRAILINGPADDINGCHARACTER: NotRequired[bool]
    BUCKETFOLDER: NotRequired[str]
    """a key prefix without wildcards, leading slash or '..'"""
    BUCKETNAME: str
    """the name of a bucket, without s3:// or a folder"""
    CANNEDACLFOROBJECTS: NotRequired[
        Literal[
            "none",
            "private",
            "public-read",
            "public-read-write",
            "authenticated-read",
            "aws-exec-read",
            "bucket-owner-read",
            "bucket-owner-full-control",
        ]
    ]
    CDCINSERTSANDUPDATES: NotRequired[bool]
    CDCINSERTSONLY: NotRequired[bool]
    CDCMAXBATCHINTERVAL: NotRequired[int]
    """a whole number from 0 to 2147483647"""
    CDCMINFILESIZE: NotRequired[int]
    """a whole number from 0 to 2147483647"""
    CDCPATH: NotRequired[str]
    """without ';'"""
    COMPRESSIONTYPE: NotRequired[Literal["none", "gzip"]]
    CSVDELIMITER: NotRequired[str]
    CSVNOSUPVALUE: NotRequired[str]
    CSVNULLVALUE: NotRequired[str]
    CSVROWDELIMITER: NotRequired[str]
    DATAFORMAT: NotRequired[Literal["csv", "parquet"]]
    DATAPAGESIZE: NotRequired[int]
    """a whole number from 0 to 2147483647"""
    DATEPARTITIONDELIMITER: NotRequired[Literal["SLASH", "UNDERSCORE", "DASH", "NONE"]]
    DATEPARTITIONENABLED: NotRequired[bool]
    DATEPARTITIONSEQUENCE: NotRequired[Literal["YYYYMMDD", "YYYYMMDDHH", "YYYYMM", "MMYYYYDD", "DDMMYYYY"]]
    DATEPARTITIONTIMEZONE: NotRequired[str]
    DICTPAGESIZELIMIT: NotRequired[int]
    """a whole number from 0 to 2147483647"""
    ENABLESTATISTICS: NotRequired[bool]
    ENCODINGTYPE: NotRequired[Literal["plain", "plain-dictionary", "rle-dictionary"]]
    ENCRYPTIONMODE: NotRequired[Literal["sse-s3", "sse-kms"]]
    EXPECTEDBUCKETOWNER: NotRequired[str]
    """the 12 digits of an account"""
    EXTRACONNECTIONATTRIBUTES: NotRequired[str]
    """`name=value;…`, passed through; also accepted inside `S3SETTINGS`. Two different values for one setting are an
    error; known ones are checked as in `S3SETTINGS`"""
    GLUECATALOGGENERATION: NotRequired[bool]
    INCLUDEOPFORFULLLOAD: NotRequired[bool]
    MAXFILESIZE: NotRequired[int]
    """a whole number from 1 to 1048576"""
    PARQUETTIMESTAMPINMILLISECOND: NotRequired[bool]
    PARQUETVERSION: NotRequired[Literal["parquet-1-0", "parquet-2-0"]]
    PRESERVETRANSACTIONS: NotRequired[bool]
    RFC4180: NotRequired[bool]
    ROWGROUPLENGTH: NotRequired[int]
    """a whole number from 0 to 2147483647"""
    SERVERSIDEENCRYPTIONKMSKEYID: NotRequired[str]
    """the ARN or id of a key (an alias can't be granted in a policy)"""
    TIMESTAMPCOLUMNNAME: NotRequired[str]
    USECSVNOSUPVALUE: NotRequired[bool]
    USETASKSTARTTIMEFORFULLLOADTIMESTAMP: NotRequired[bool]


class Tag(TypedDict):
    """One of TAGS."""

    Key: str
    """unique without regard to case, as a role's tags are"""
    Value: NotRequired[str]
    """may be empty"""


class DmsS3Endpoint(TypedDict):
    """The properties of Custom::CreateDMSS3Endpoint beside ServiceToken and ServiceTimeout."""

    ENVIRONMENT: str
    """one of the environments that the function was deployed with"""
    ENDPOINTIDENTIFIER: str
    """begins with a letter, then letters, digits and single hyphens, at most 255; lower-cased, as DMS does"""
    POLICYNAME: str
    """IAM policy to create in the data-lake account, under the path `/dms-s3-endpoint/`"""
    ROLENAME: str
    """IAM role to create in the data-lake account, under the same path; one for each endpoint"""
    S3SETTINGS: S3Settings
    """the members of DMS's [S3Settings](https://docs.aws.amazon.com/dms/latest/APIReference/API_S3Settings.html) for a
    target, in upper case: `BUCKETNAME` (required), `BUCKETFOLDER`, `DATAFORMAT`, … Also `SSEKMSKEYID` or `SSEKMDKEYID`
    for `SERVERSIDEENCRYPTIONKMSKEYID` (ARN or id of a key, no alias), and `COMPRESSIONTTYPE` for `COMPRESSIONTYPE`.
    Names and types come from the SDK in the Lambda runtime"""
    EXTRACONNECTIONATTRIBUTES: NotRequired[str]
    """`name=value;…`, passed through; also accepted inside `S3SETTINGS`. Two different values for one setting are an
    error; known ones are checked as in `S3SETTINGS`"""
    RESOURCEIDENTIFIER: NotRequired[str]
    """tail of the endpoint's ARN, at most 31 characters; derived from the identifier, so that a recreated endpoint
    keeps its ARN"""
    TESTREPLICATIONINSTANCEARN: NotRequired[str]
    """replication instance from which the connection is tested after each create"""
    PERMISSIONSBOUNDARY: NotRequired[str]
    """ARN of a permissions boundary for the role; by default the one that the data-lake account demands, if any"""
    TAGS: NotRequired[list[Tag]]
    """list of `{Key, Value}` for endpoint, role and policy; at most 44, keys and values not beginning with `aws:` or
    `dms:`, keys not with `dms-s3-endpoint:`"""
    ADOPT: NotRequired[bool]
    """`true`: import an endpoint, role and policy of these names that were made by hand, exactly as they are:
    [docs/adoption.md](docs/adoption.md)"""
    ONUPDATE: NotRequired[Literal["recreate", "replace"]]
    """`recreate` (default): a change of settings deletes the endpoint and creates it again; `replace`: it makes a new
    one beside the old, under names with a suffix: [docs/replacing.md](docs/replacing.md)"""
