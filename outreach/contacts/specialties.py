"""The taxonomy codes a therapy practice meets, with the words its people use. Source: NUCC code set. Pure."""

from typing import NamedTuple


class Specialty(NamedTuple):
    """One NUCC code with its group and label in plain words."""

    code: str
    group: str
    label: str


THERAPY = "Therapy"
PRIMARY_CARE = "Primary care"
BONE = "Bone, joint, spine"
NEURO = "Neuro and rehab"
PEDIATRIC = "Pediatric and speech"
OTHER = "Other referrers"

GROUPS = (THERAPY, PRIMARY_CARE, BONE, NEURO, PEDIATRIC, OTHER)

_LABELS = {
    THERAPY: {
        "225100000X": "Physical therapy",
        "225200000X": "Physical therapy assistant",
        "2251P0200X": "Physical therapy, pediatrics",
        "2251X0800X": "Physical therapy, orthopedic",
        "2251N0400X": "Physical therapy, neurology",
        "2251G0304X": "Physical therapy, geriatrics",
        "2251S0007X": "Physical therapy, sports",
        "225X00000X": "Occupational therapy",
        "224Z00000X": "Occupational therapy assistant",
        "225XP0200X": "Occupational therapy, pediatrics",
        "225XH1200X": "Occupational therapy, hand",
        "235Z00000X": "Speech-language pathology",
        "2355S0801X": "Speech-language pathology assistant",
        "231H00000X": "Audiology",
    },
    PRIMARY_CARE: {
        "207Q00000X": "Family medicine",
        "207R00000X": "Internal medicine",
        "208D00000X": "General practice",
        "208000000X": "Pediatrics",
        "207QG0300X": "Family medicine, geriatrics",
        "207RG0300X": "Internal medicine, geriatrics",
    },
    BONE: {
        "207X00000X": "Orthopedic surgery",
        "207XX0005X": "Orthopedic surgery, sports",
        "207XS0114X": "Orthopedic surgery, joint replacement",
        "207XS0117X": "Orthopedic surgery, spine",
        "207QS0010X": "Family medicine, sports",
        "2086S0105X": "Hand surgery",
        "207T00000X": "Neurosurgery",
        "207RR0500X": "Rheumatology",
        "213E00000X": "Podiatry",
        "111N00000X": "Chiropractic",
    },
    NEURO: {
        "2084N0400X": "Neurology",
        "2084N0402X": "Child neurology",
        "208100000X": "Physical medicine and rehabilitation",
        "2081P0010X": "Pediatric rehabilitation medicine",
        "2081S0010X": "Rehabilitation medicine, sports",
        "2081P2900X": "Pain medicine (rehabilitation)",
        "208VP0000X": "Pain medicine",
        "208VP0014X": "Interventional pain medicine",
    },
    PEDIATRIC: {
        "2080P0006X": "Developmental-behavioral pediatrics",
        "207Y00000X": "Ear, nose and throat",
        "2084P0804X": "Child psychiatry",
    },
    OTHER: {
        "363L00000X": "Nurse practitioner",
        "363LF0000X": "Family nurse practitioner",
        "363LP0200X": "Pediatric nurse practitioner",
        "363A00000X": "Physician assistant",
        "207P00000X": "Emergency medicine",
        "2083X0100X": "Occupational medicine",
        "207V00000X": "Obstetrics and gynecology",
        "1041C0700X": "Clinical social work",
        "122300000X": "Dentistry",
    },
}

SPECIALTIES = {
    code: Specialty(code, group, label) for group, labels in _LABELS.items() for code, label in labels.items()
}


def specialty(code: str) -> Specialty | None:
    """The specialty of a taxonomy code, or None for a code outside this table."""
    return SPECIALTIES.get(code)


def label(code: str) -> str:
    """The plain-words label of a taxonomy code, or "" for a code outside this table."""
    known = SPECIALTIES.get(code)
    return known.label if known else ""


def code_of(text: str) -> str | None:
    """The code whose label the text is, whatever its case, or None; "Orthopaedic" is read as "Orthopedic"."""
    return _CODES.get(text.strip().casefold().replace("paedic", "pedic"))


_CODES = {one.label.casefold(): one.code for one in SPECIALTIES.values()}
