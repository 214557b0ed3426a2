"""Words that must not leave."""

import pytest

from outreach.content.linting import lint_subject, lint_text


def levels(text: str, *, to_clients: bool = False) -> list[str]:
    """The levels of what is found."""
    return [problem.level for problem in lint_text(text, to_clients=to_clients, known_names=["Maya Jensen"])]


@pytest.mark.parametrize(
    "text",
    [
        "DOB 04/12/1957",
        "date of birth: 1957-04-12",
        "born on March 3, 1957",
        "MRN 448812",
        "Her record number is A-2231",
        "Treated under M54.50 last year",
        "ICD-10: M5450",
        "Hers is 123-45-6789",
        "Medicare number 1EG4-TE5-MK73",
        "Refer a friend and get a gift card",
        "For every referral we send a $10 voucher",
        "A free massage when you recommend us",
        "Lorem ipsum dolor",
        "Dear [Name]",
    ],
)
def test_what_must_not_leave_is_a_blocker(text: str) -> None:
    assert "blocker" in levels(text)


@pytest.mark.parametrize(
    "text",
    [
        "Mrs. Vega is back after knee surgery.",
        "Marisol Vega had a stroke in May.",
    ],
)
def test_a_health_word_near_a_name_is_a_warning(text: str) -> None:
    assert levels(text) == ["warning"]


@pytest.mark.parametrize(
    "text",
    [
        "We treat shoulder pain, and most people are seen within three days.",
        "Maya Jensen will talk about recovery after a stroke.",
        "Referring takes one page or one call.",
        "Thank you for your referral.",
        "The lunch is free. Dr. {{ last_name | colleague }}, we treat back pain.",
        "Our clinic is at 12 Cedar Lane, room B2.5.",
        "Version 2.10 of the form, call 555-0147.",
        "We are in network with Blue Cross and Medicare.",
    ],
)
def test_ordinary_words_pass(text: str) -> None:
    assert levels(text) == []


def test_a_name_beside_a_health_word_matters_in_mail_to_clients() -> None:
    assert levels("{{ first_name | friend }}, how is your knee pain?", to_clients=True) == ["warning"]
    assert levels("{{ first_name | friend }}, how are you?", to_clients=True) == []


@pytest.mark.parametrize("subject", ["RE: your patient", "Re:hello", "FW: a note", " fwd: x"])
def test_a_subject_may_not_pretend_to_be_an_answer(subject: str) -> None:
    assert [problem.reason for problem in lint_subject(subject)] == ["pretended-reply"]


def test_a_usual_subject_passes() -> None:
    assert lint_subject("Regarding shoulders: a short guide") == []
