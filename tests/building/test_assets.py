"""The vendored files are the published ones, and the kit stays light."""

import gzip
import hashlib
import re
from pathlib import Path

import pytest

from outreach.ui import ICONS, STATIC

ROOT = Path(__file__).parents[2]
VENDOR = STATIC / "vendor"
FONT = "figtree-5.3.0/figtree-latin-wght-normal.woff2"
FONT_EXT = "figtree-5.3.0/figtree-latin-ext-wght-normal.woff2"
PUBLISHED = {
    "bootstrap-5.3.9/bootstrap.min.css": "9caac977a0af0c2229abd397eee3345899c4020da2a1a0b711c1cc543fe3719d",
    "bootstrap-5.3.9/bootstrap.bundle.min.js": "4ad2ad30a7df1fa0a615c4cfeb1aeffbe92019a8dff0262c99464acbd56dca5c",
    "htmx.org-2.0.11/htmx.min.js": "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
    "sortablejs-1.15.7/Sortable.min.js": "bf4241bc73fef7f11c59a283a69fe8051cdd31c6d8ff5a2b9ba219e7831fcf76",
    "squire-rte-2.4.8/squire.js": "75c1665d33ec8c1a08dbb5cadae8381acfded4677da44d70cf88a59e4082af20",
    "dompurify-3.4.18/purify.min.js": "8053ee2a6a09f9d50f7fcd6fb7f07072f52c7f3fa9aa12147cab4feaf65ee970",
    FONT: "4ba7d3d096695818fe0686be4f1e82c6b05134e18a22260336130335027462dd",
    FONT_EXT: "bf7828e2c258cffcfa50a048ee388a36b95bc16b452e8d36fa797635dbe15965",
}
OWN_STYLE_BYTES = 40_000


def listed() -> dict[str, str]:
    rows = re.findall(r"^\| (\S+/\S+) \|.*\| ([0-9a-f]{64}) \|$", (VENDOR / "README.md").read_text(), re.M)
    return dict(rows)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_vendored_file_is_listed_and_unchanged() -> None:
    present = {
        str(p.relative_to(VENDOR))
        for p in VENDOR.rglob("*")
        if p.is_file() and p.name != "README.md" and not p.name.startswith("LICENSE")
    }
    assert present == set(listed())
    assert {name: digest(VENDOR / name) for name in present} == listed()


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_list_repeats_the_published_checksums(name: str) -> None:
    assert listed()[name] == PUBLISHED[name]


def test_every_vendored_package_brings_its_licence() -> None:
    folders = [p for p in [*VENDOR.iterdir(), *(ROOT / "tests" / "vendor").iterdir()] if p.is_dir()]
    assert len(folders) == 10
    assert [f.name for f in folders if not any(f.glob("LICENSE*"))] == []


def test_the_checker_of_accessibility_is_the_published_one() -> None:
    axe = ROOT / "tests" / "vendor" / "axe-core-4.14.1" / "axe.min.js"
    assert digest(axe) == "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"


def test_the_own_style_sheet_stays_small() -> None:
    assert len((STATIC / "app.css").read_bytes()) < OWN_STYLE_BYTES


def test_colours_are_only_written_as_tokens() -> None:
    css = re.sub(r"/\*.*?\*/", "", (STATIC / "app.css").read_text(), flags=re.S)
    rules = css[: css.index(":root")] + css[css.index("}", css.index(":root")) :]
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(", rules) == []


def test_tokens_that_are_used_exist() -> None:
    css = (STATIC / "app.css").read_text()
    known = set(re.findall(r"(--[\w-]+):", css))
    assert set(re.findall(r"var\((--[\w-]+)", css)) <= known


def test_public_pages_stay_under_seventy_kilobytes_uncompressed() -> None:
    font = VENDOR / FONT
    room_for_the_page = 8_000
    assert len((STATIC / "app.css").read_bytes()) + font.stat().st_size + room_for_the_page < 70_000


def test_an_ordinary_page_stays_inside_its_budget() -> None:
    sent = ["bootstrap-5.3.9/bootstrap.min.css", "htmx.org-2.0.11/htmx.min.js"]
    scripts = ["app", "toast-host", "dialog-host", "key-map"]
    packed = [VENDOR / name for name in sent] + [STATIC / "js" / f"{s}.js" for s in scripts] + [STATIC / "app.css"]
    font = VENDOR / FONT
    assert sum(len(gzip.compress(p.read_bytes())) for p in packed) + font.stat().st_size < 110_000


def test_own_scripts_need_no_eval_and_no_inline_code() -> None:
    for script in (STATIC / "js").glob("*.js"):
        text = script.read_text()
        assert not re.search(r"\beval\(|new Function\(|setAttribute\(\"style\"|\.on\w+ = ", text), script.name


def test_icons_are_outlines_that_can_be_inlined() -> None:
    assert len(list(ICONS.glob("*.svg"))) > 50
    for icon in ICONS.glob("*.svg"):
        assert 'stroke="currentColor"' in icon.read_text(), icon.name
