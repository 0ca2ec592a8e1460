"""A version is said in three places; a release is the same bytes whoever makes it."""

from __future__ import annotations

import re
from pathlib import Path

from samcli.yamlhelper import yaml_parse

from pipelines import package

ROOT = Path(__file__).resolve().parents[2]


def test_the_version_is_the_same_in_all_places() -> None:
    metadata = yaml_parse((ROOT / "template.yaml").read_text())["Metadata"]["AWS::ServerlessRepo::Application"]
    newest = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0]
    assert package.version() == metadata["SemanticVersion"] == newest
    assert re.fullmatch(r"\d+\.\d+\.\d+", newest)


def test_what_the_metadata_names_is_there_and_short_enough() -> None:
    metadata = yaml_parse((ROOT / "template.yaml").read_text())["Metadata"]["AWS::ServerlessRepo::Application"]
    assert (ROOT / metadata["LicenseUrl"]).read_text().lstrip().startswith("Apache License")
    assert (ROOT / metadata["ReadmeUrl"]).exists()
    assert len(metadata["Description"]) <= 256


def make_files(folder: Path, names: list[str]) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).write_text(name)
    return folder


def test_the_order_and_modes_of_files_are_not_those_of_the_file_system(tmp_path: Path) -> None:
    one = make_files(tmp_path / "one", ["b.py", "a.py"])
    other = make_files(tmp_path / "other", ["a.py", "b.py"])
    (other / "a.py").chmod(0o600)
    package.write_zip(one, tmp_path / "one.zip")
    package.write_zip(other, tmp_path / "other.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()


def test_the_packaged_template_has_the_zip_and_nothing_to_build() -> None:
    template = yaml_parse(package.packaged((ROOT / "template.yaml").read_text(), "function.zip"))
    function = template["Resources"]["Function"]
    assert function["Properties"]["CodeUri"] == "function.zip"
    assert "Metadata" not in function


def test_checksums_are_of_all_files_of_the_release(tmp_path: Path) -> None:
    built = make_files(tmp_path / "built", ["app.py"])
    (tmp_path / "sbom.json").write_text("{}")
    release = tmp_path / "release"
    assert package.main([str(built), str(tmp_path / "sbom.json"), str(release)]) == 0
    named = {line.split("  ")[1] for line in (release / "SHA256SUMS").read_text().splitlines()}
    files = {each.relative_to(release).as_posix() for each in release.rglob("*") if each.is_file()}
    assert named == files - {"SHA256SUMS"}
