// Printed by `python -m dms_s3_endpoint_cli schema --typescript`.

/** The members of S3SETTINGS. */
export interface S3Settings {
  ADDCOLUMNNAME?: boolean;
  ADDTRAILINGPADDINGCHARACTER?: boolean;
  /** a key prefix without wildcards, leading slash or '..' */
  BUCKETFOLDER?: string;
  /** the name of a bucket, without s3:// or a folder */
  BUCKETNAME: string;
  CANNEDACLFOROBJECTS?: "none" | "private" | "public-read" | "public-read-write" | "authenticated-read" | "aws-exec-read" | "bucket-owner-read" | "bucket-owner-full-control";
  CDCINSERTSANDUPDATES?: boolean;
  CDCINSERTSONLY?: boolean;
  /** a whole number from 0 to 2147483647 */
  CDCMAXBATCHINTERVAL?: number;
  /** a whole number from 0 to 2147483647 */
  CDCMINFILESIZE?: number;
  /** without ';' */
  CDCPATH?: string;
  COMPRESSIONTYPE?: "none" | "gzip";
  CSVDELIMITER?: string;
  CSVNOSUPVALUE?: string;
  CSVNULLVALUE?: string;
  CSVROWDELIMITER?: string;
  DATAFORMAT?: "csv" | "parquet";
  /** a whole number from 0 to 2147483647 */
  DATAPAGESIZE?: number;
  DATEPARTITIONDELIMITER?: "SLASH" | "UNDERSCORE" | "DASH" | "NONE";
  DATEPARTITIONENABLED?: boolean;
  DATEPARTITIONSEQUENCE?: "YYYYMMDD" | "YYYYMMDDHH" | "YYYYMM" | "MMYYYYDD" | "DDMMYYYY";
  DATEPARTITIONTIMEZONE?: string;
  /** a whole number from 0 to 2147483647 */
  DICTPAGESIZELIMIT?: number;
  ENABLESTATISTICS?: boolean;
  ENCODINGTYPE?: "plain" | "plain-dictionary" | "rle-dictionary";
  ENCRYPTIONMODE?: "sse-s3" | "sse-kms";
  /** the 12 digits of an account */
  EXPECTEDBUCKETOWNER?: string;
  /** `name=value;…`, passed through; also accepted inside `S3SETTINGS`. Two different values for one setting are an
  error; known ones are checked as in `S3SETTINGS` */
  EXTRACONNECTIONATTRIBUTES?: string;
  GLUECATALOGGENERATION?: boolean;
  INCLUDEOPFORFULLLOAD?: boolean;
  /** a whole number from 1 to 1048576 */
  MAXFILESIZE?: number;
  PARQUETTIMESTAMPINMILLISECOND?: boolean;
  PARQUETVERSION?: "parquet-1-0" | "parquet-2-0";
  PRESERVETRANSACTIONS?: boolean;
  RFC4180?: boolean;
  /** a whole number from 0 to 2147483647 */
  ROWGROUPLENGTH?: number;
  /** the ARN or id of a key (an alias can't be granted in a policy) */
  SERVERSIDEENCRYPTIONKMSKEYID?: string;
  TIMESTAMPCOLUMNNAME?: string;
  USECSVNOSUPVALUE?: boolean;
  USETASKSTARTTIMEFORFULLLOADTIMESTAMP?: boolean;
}

/** One of TAGS. */
export interface Tag {
  /** unique without regard to case, as a role's tags are */
  Key: string;
  /** may be empty */
  Value?: string;
}

/** The properties of Custom::CreateDMSS3Endpoint beside ServiceToken and ServiceTimeout. */
export interface DmsS3Endpoint {
  /** one of the environments that the function was deployed with */
  ENVIRONMENT: string;
  /** begins with a letter, then letters, digits and single hyphens, at most 255; lower-cased, as DMS does */
  ENDPOINTIDENTIFIER: string;
  /** IAM policy to create in the data-lake account, under the path `/dms-s3-endpoint/` */
  POLICYNAME: string;
  /** IAM role to create in the data-lake account, under the same path; one for each endpoint */
  ROLENAME: string;
  /** the members of DMS's [S3Settings](https://docs.aws.amazon.com/dms/latest/APIReference/API_S3Settings.html) for a
  target, in upper case: `BUCKETNAME` (required), `BUCKETFOLDER`, `DATAFORMAT`, … Also `SSEKMSKEYID` or `SSEKMDKEYID`
  for `SERVERSIDEENCRYPTIONKMSKEYID` (ARN or id of a key, no alias), and `COMPRESSIONTTYPE` for `COMPRESSIONTYPE`. Names
  and types come from the SDK in the Lambda runtime */
  S3SETTINGS: S3Settings;
  /** `name=value;…`, passed through; also accepted inside `S3SETTINGS`. Two different values for one setting are an
  error; known ones are checked as in `S3SETTINGS` */
  EXTRACONNECTIONATTRIBUTES?: string;
  /** tail of the endpoint's ARN, at most 31 characters; derived from the identifier, so that a recreated endpoint keeps
  its ARN */
  RESOURCEIDENTIFIER?: string;
  /** replication instance from which the connection is tested after each create */
  TESTREPLICATIONINSTANCEARN?: string;
  /** ARN of a permissions boundary for the role; by default the one that the data-lake account demands, if any */
  PERMISSIONSBOUNDARY?: string;
  /** list of `{Key, Value}` for endpoint, role and policy; at most 44, keys and values not beginning with `aws:` or
  `dms:`, keys not with `dms-s3-endpoint:` */
  TAGS?: Tag[];
  /** `true`: import an endpoint, role and policy of these names that were made by hand, exactly as they are:
  [docs/adoption.md](docs/adoption.md) */
  ADOPT?: boolean;
  /** `recreate` (default): a change of settings deletes the endpoint and creates it again; `replace`: it makes a new
  one beside the old, under names with a suffix: [docs/replacing.md](docs/replacing.md) */
  ONUPDATE?: "recreate" | "replace";
}
