"""`make package`: a release, in build/release; the same commit gives the same bytes, on any file system."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Beside the template, which names the first two, and what consumers and operators copy.
INCLUDED = ("LICENSE", "README.md", "CHANGELOG.md", "accounts", "lint", "examples")
# The first that a zip can tell.
NO_TIME = (1980, 1, 1, 0, 0, 0)
MODE = 0o100644


def main(arguments: Sequence[str]) -> int:
    """With the folder of the function that `sam build` made, its bill of materials, and the folder of the release."""
    built, sbom, release = map(Path, arguments)
    shutil.rmtree(release, ignore_errors=True)
    release.mkdir(parents=True)
    zip_name = f"dms-s3-endpoint-{version()}.zip"
    write_zip(built, release / zip_name)
    (release / "template.yaml").write_text(packaged((ROOT / "template.yaml").read_text(), zip_name))
    shutil.copyfile(sbom, release / "sbom.json")
    for name in INCLUDED:
        _copy(ROOT / name, release / name)
    (release / "SHA256SUMS").write_text(checksums(release))
    print(f"{release}: {version()}")
    return 0


def version() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def write_zip(folder: Path, path: Path) -> None:
    """Sorted, without times: SAM's own zip has the order in which the file system lists."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), NO_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = MODE << 16
            archive.writestr(entry, file.read_bytes())


def packaged(template: str, zip_name: str) -> str:
    """The template with the zip as its code; there is nothing left to build."""
    without_build = re.sub(r"    Metadata:\n      BuildMethod: .*\n", "", template)
    return without_build.replace("CodeUri: src/", f"CodeUri: {zip_name}")


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)


def checksums(release: Path) -> str:
    """As `sha256sum --check` reads them."""
    files = sorted(each for each in release.rglob("*") if each.is_file())
    digests = [hashlib.sha256(each.read_bytes()).hexdigest() for each in files]
    names = [each.relative_to(release).as_posix() for each in files]
    return "".join(f"{digest}  {name}\n" for digest, name in zip(digests, names, strict=True))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
