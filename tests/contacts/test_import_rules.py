"""The small rules of importing: numbers, names, addresses, phones, places, and what never enters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.contacts import names
from outreach.contacts.addresses import Address, address_key, parse_address
from outreach.contacts.cells import READERS
from outreach.contacts.clinical import forbidden_columns
from outreach.contacts.columns import FIELDS
from outreach.contacts.npi import is_physician, is_valid_npi, suggested_kind
from outreach.contacts.phones import parse_phone
from outreach.contacts.postal import state_code, zip5
from outreach.contacts.specialties import GROUPS, SPECIALTIES, specialty


@pytest.mark.parametrize("number", ["1234567893", "1770664856", "1000000004", "2000000002", "1045678905"])
def test_npis_with_a_right_check_digit_are_valid(number: str) -> None:
    assert is_valid_npi(number)


@pytest.mark.parametrize(
    "number", ["1234567890", "3000000003", "123456789", "", "12345678931", "１２３４５６７８９３", "123456789x"]
)
def test_other_numbers_are_no_npis(number: str) -> None:
    assert not is_valid_npi(number)


@given(st.integers(0, 9), st.integers(0, 9))
def test_one_wrong_digit_is_always_noticed(position: int, digit: int) -> None:
    right = "1234567893"
    wrong = right[:position] + str(digit) + right[position + 1 :]
    assert is_valid_npi(wrong) is (wrong == right)


@pytest.mark.parametrize(
    ("taxonomy", "credentials", "physician", "kind"),
    [
        ("207Q00000X", "MD", True, "physician"),
        ("111N00000X", "DC", True, "physician"),
        ("122300000X", "", True, "physician"),
        ("213E00000X", "", True, "physician"),
        ("363LF0000X", "NP", False, "provider"),
        ("1041C0700X", "LCSW", False, "provider"),
        ("225100000X", "PT, DPT", False, "peer-therapist"),
        ("235Z00000X", "", False, "peer-therapist"),
        ("", "MD, PhD", True, "physician"),
        ("", "OTR/L", False, "peer-therapist"),
        ("", "PA-C", False, "provider"),
        ("", "MBA", None, ""),
        ("", "", None, ""),
        ("261QP2000X", "", None, "provider"),
    ],
)
def test_the_stark_flag_and_the_kind_follow_from_taxonomy_and_credentials(
    taxonomy: str, credentials: str, physician: bool | None, kind: str
) -> None:
    assert is_physician(taxonomy, credentials) is physician
    assert suggested_kind(taxonomy, credentials, physician) == kind


def test_every_specialty_has_a_group_and_words() -> None:
    assert len(SPECIALTIES) == 50
    assert {entry.group for entry in SPECIALTIES.values()} == set(GROUPS)
    assert specialty("208100000X") == ("208100000X", "Neuro and rehab", "Physical medicine and rehabilitation")
    assert specialty("000000000X") is None


@pytest.mark.parametrize(
    ("shouted", "calm"),
    [
        ("MCDONALD", "McDonald"),
        ("O'BRIEN", "O'Brien"),
        ("D’ANGELO", "D’Angelo"),
        ("SMITH-JONES", "Smith-Jones"),
        ("ST. JOHN", "St. John"),
        ("DE LA CRUZ", "De La Cruz"),
        ("MACK", "Mack"),
        ("MC", "MC"),
        ("TJ", "TJ"),
        ("AJ", "AJ"),
        ("LI", "Li"),
        ("III", "III"),
        ("JR.", "Jr."),
        ("MÜLLER", "Müller"),
        ("İPEK", "İpek"),
        ("ИВАНОВ", "Иванов"),
        ("van der Berg", "van der Berg"),
        ("mcdonald", "mcdonald"),
        ("山田", "山田"),
        ("", ""),
    ],
)
def test_a_shouted_name_is_calmed_and_any_other_left_alone(shouted: str, calm: str) -> None:
    assert names.personal(shouted) == calm


@pytest.mark.parametrize(
    ("shouted", "calm"),
    [
        ("PLAINS PT AND REHAB LLC", "Plains PT and Rehab LLC"),
        ("THE CHILDREN'S CLINIC OF OMAHA, PC", "The Children's Clinic of Omaha, PC"),
        ("CHI ST. MARY'S ENT", "Chi St. Mary's ENT"),
        ("UNMC", "UNMC"),
        ("HCA MIDWEST", "Hca Midwest"),
        ("SSM HEALTH", "SSM Health"),
        ("5TH STREET 2ND OPINION", "5th Street 2nd Opinion"),
        ("MCAULEY HOUSE", "McAuley House"),
        ("eHealth Omaha", "eHealth Omaha"),
    ],
)
def test_a_shouted_organization_keeps_its_short_forms(shouted: str, calm: str) -> None:
    assert names.organizational(shouted) == calm


def test_a_street_keeps_its_compass_points() -> None:
    assert names.street("1200 NW 5TH ST STE 4B, PO BOX 9") == "1200 NW 5th St Ste 4B, PO Box 9"


@pytest.mark.parametrize(
    ("text", "said"),
    [("M.D., PH.D.", "MD, PhD"), ("PT DPT", "PT, DPT"), ("otr/l", "OTR/L"), ("pa-c", "PA-C"), ("ABC", "ABC"), ("", "")],
)
def test_credentials_get_their_usual_spelling(text: str, said: str) -> None:
    assert names.credentials(text) == said


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Dr. Jane Q. McCoy, MD", ("Dr.", "Jane", "Q.", "McCoy", "", "MD")),
        ("McCoy, Jane", ("", "Jane", "", "McCoy", "", "")),
        ("McCoy, Jane, MD, PhD", ("", "Jane", "", "McCoy", "", "MD, PhD")),
        ("Luis de la Cruz", ("", "Luis", "", "de la Cruz", "", "")),
        ("SAM O'BRIEN JR", ("", "Sam", "", "O'Brien", "JR", "")),
        ("Ann Ma", ("", "Ann", "", "Ma", "", "")),
        ("Cher", ("", "", "", "Cher", "", "")),
        ("山田太郎", ("", "", "", "山田太郎", "", "")),
        ("", ("", "", "", "", "", "")),
        (",", ("", "", "", "", "", "")),
    ],
)
def test_a_full_name_is_taken_apart(text: str, parts: tuple[str, ...]) -> None:
    assert tuple(names.split(text)) == parts


@given(st.text(max_size=40))
def test_no_text_makes_the_name_rules_fall_over_or_leaves_control_characters(text: str) -> None:
    cleaned = names.clean(text)
    assert cleaned == cleaned.strip()
    assert not set(cleaned) & set("\n\r\t\0\u2028\u202e")
    assert names.clean(cleaned) == cleaned
    for polish in (names.personal, names.organizational, names.street, names.credentials, names.split):
        polish(cleaned)


@pytest.mark.parametrize(
    ("text", "email", "key"),
    [
        ("Maya.Ng@Example.ORG", "Maya.Ng@example.org", "maya.ng@example.org"),
        (" maya+lunch@example.org ", "maya+lunch@example.org", "maya+lunch@example.org"),
        ("Zoe@Bücher.example", "Zoe@xn--bcher-kva.example", "zoe@xn--bcher-kva.example"),
        ("zoe@bu\u0308cher.example", "zoe@xn--bcher-kva.example", "zoe@xn--bcher-kva.example"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
    ],
)
def test_an_address_keeps_its_look_and_gets_a_key(text: str, email: str, key: str) -> None:
    assert parse_address(text) == Address(email, key)
    assert address_key(text) == key


@pytest.mark.parametrize(
    "text",
    [
        "", "maya", "@example.org", "maya@", "a@b@example.org", "maya..ng@example.org", ".maya@example.org",
        "maya@example..org", "maya@-example.org", "maya@example.org,", "Maya <maya@example.org>",
        f"{'x' * 65}@example.org", f"a@{'x' * 250}.org", "=a@example.org", "-a@example.org", "a@[127.0.0.1]",
        "maya@example.invalid", "maya@example.org\n.x", "zoë@example.org",
    ],
)  # fmt: skip
def test_what_is_no_address_has_a_reason_and_no_key(text: str) -> None:
    assert not isinstance(parse_address(text), Address)
    assert address_key(text) == ""


@given(st.emails())
def test_writing_an_address_in_capitals_never_makes_a_second_person(address: str) -> None:
    assert address_key(address) == address_key(address.upper()) or address[0] in "=+-@"


@pytest.mark.parametrize(
    ("text", "display", "e164"),
    [
        ("4025550142", "(402) 555-0142", "+14025550142"),
        ("(402) 555-0142", "(402) 555-0142", "+14025550142"),
        ("1-402-555-0142", "1-402-555-0142", "+14025550142"),
        ("+1 402.555.0142", "+1 402.555.0142", "+14025550142"),
        ("402-555-0142 ext. 12", "402-555-0142 ext. 12", "+14025550142"),
        ("+44 20 7946 0018", "+44 20 7946 0018", "+442079460018"),
        ("555-0142", "555-0142", ""),
        ("ask Maya", "ask Maya", ""),
        ("", "", ""),
    ],
)
def test_a_phone_number_is_kept_as_written_with_a_form_to_dial(text: str, display: str, e164: str) -> None:
    assert parse_phone(text) == (display, e164)


@pytest.mark.parametrize(
    ("text", "state", "zip_code"),
    [
        ("68102", "NE", "68102"),
        ("681021234", "NE", "68102"),
        ("68102-1234", "", "68102"),
        ("2139", "MA", "02139"),
        ("2139", "NE", ""),
        ("K1A 0B6", "", ""),
        ("", "MA", ""),
    ],
)
def test_a_zip_code_is_its_first_five_digits(text: str, state: str, zip_code: str) -> None:
    assert zip5(text, state) == zip_code


def test_states_go_by_their_two_letters() -> None:
    assert [state_code(text) for text in ("ne", "Nebraska", "new york", "Bavaria")] == ["NE", "NE", "NY", "Bavaria"]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("Patient Name", "patient name"),
        ("patient_last_name", "patient name"),
        ("PatientFirstName", "patient name"),
        ("Client", "patient name"),
        ("Pt. Initials", "patient name"),
        ("Patient Phone", "patient name"),
        ("DOB", "birth date"),
        ("Date of Birth", "birth date"),
        ("Birthdate", "birth date"),
        ("Patient Age", "birth date"),
        ("MRN", "record number"),
        ("Chart #", "record number"),
        ("Patient ID", "record number"),
        ("Member ID", "record number"),
        ("SSN", "record number"),
        ("Diagnosis Code", "diagnosis"),
        ("ICD-10", "diagnosis"),
        ("Primary Dx", "diagnosis"),
        ("Body Part", "diagnosis"),
    ],
)
def test_client_data_is_stopped_at_the_door(name: str, what: str) -> None:
    assert forbidden_columns(["Referral date", name]) == {1: what}


def test_columns_about_referrers_and_referrals_may_enter() -> None:
    allowed = (
        "case_key,referral_date,direction,source_npi,source_name,source_practice,source_kind,discipline,clinic,payer,"
        "first_contact_date,appointment_date,evaluation_date,status,close_reason,barrier,visits_planned,visits_done,"
        "discharge_date,plan_completed,Referral source,Referral contact,Insurance type,Record ID,First Name,Last Name,"
        "Provider Name,Case Manager Phone,Birthday,Email,MEMBER_RATING,Days to conversion,Account name,Address"
    )
    assert forbidden_columns(allowed.split(",")) == {}


def test_every_field_a_person_can_choose_can_be_read() -> None:
    assert set(READERS) == set(FIELDS)
