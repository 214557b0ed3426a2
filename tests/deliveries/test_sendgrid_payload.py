"""What is posted to SendGrid, and what never may be."""

import base64
import copy
import json
from typing import Any

import pytest

from outreach.deliveries.mail.message import Attachment
from outreach.deliveries.transports.sendgrid_payload import build, check
from tests.deliveries.messages import ICS, INVITE, a_message


def payload(**changes: Any) -> dict[str, Any]:
    return build(a_message(**changes), sandbox=False)


def broken(change, **changes: Any) -> list[str]:
    """The problems of a good payload after `change` did something to it."""
    found = copy.deepcopy(payload(**changes))
    change(found, found["personalizations"][0])
    return check(found)


def test_a_newsletter_is_one_person_with_everything_off():
    found = payload()
    assert check(found) == []
    assert found["from"] == {"email": "hello@practice.example", "name": "Riverbend Therapy"}
    assert found["reply_to"] == {"email": "front@practice.example"}
    assert found["personalizations"] == [
        {
            "to": [{"email": "ana@pediatrics.example", "name": "Dr. Ana Müller"}],
            "subject": "Early signs of tongue-tie: what to look for",
            "headers": {
                "Message-ID": "<d7001.k3v9@practice.example>",
                "List-Unsubscribe": f"<{a_message().list_unsubscribe_url}>, <{a_message().list_unsubscribe_mailto}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "List-Id": "<newsletter.practice.example>",
            },
            "custom_args": {"om_mid": "7001"},
        }
    ]
    assert found["tracking_settings"] == {
        "click_tracking": {"enable": False, "enable_text": False},
        "open_tracking": {"enable": False},
        "subscription_tracking": {"enable": False},
        "ganalytics": {"enable": False},
    }
    assert found["categories"] == ["newsletter"]
    assert "mail_settings" not in found
    assert json.loads(json.dumps(found)) == found


def test_the_bodies_are_ours_to_the_letter_plain_first():
    message = a_message()
    assert build(message, sandbox=False)["content"] == [
        {"type": "text/plain", "value": message.text},
        {"type": "text/html", "value": message.html},
    ]


def test_the_sandbox_is_a_boolean():
    assert build(a_message(), sandbox=True)["mail_settings"] == {"sandbox_mode": {"enable": True}}
    assert check(build(a_message(), sandbox=True)) == []


def test_an_invitation_is_a_third_content_part_and_a_bare_attachment():
    menu, map_ = (Attachment(name, "application/pdf", name.encode()) for name in ("menu.pdf", "map.pdf"))
    found = payload(calendar=INVITE, attachments=(menu, map_))
    assert check(found) == []
    assert found["content"][2] == {"type": "text/calendar; method=REQUEST", "value": ICS.decode()}
    invite, *own = found["attachments"]
    assert (invite["type"], invite["filename"], invite["disposition"]) == (
        "application/ics",
        "invite.ics",
        "attachment",
    )
    assert base64.b64decode(invite["content"]) == ICS
    assert [base64.b64decode(file["content"]) for file in own] == [b"menu.pdf", b"map.pdf"]


@pytest.mark.parametrize("name", ["Müller, Ana; MD", "Ana\r\nBcc: x", ";,", "\x00\u2028", "Ana 👩‍⚕️"])
def test_hostile_names_and_subjects_are_cleaned_before_they_are_checked(name):
    found = payload(to_name=name, from_name=name, subject=f"For {name}", extra_headers=(("X-Note", f"né {name}"),))
    assert check(found) == []
    assert not set(json.dumps(found["personalizations"][0]["to"], ensure_ascii=False)[1:-1].partition("name")[2]) & set(
        ";\r\n"
    )


def test_addresses_and_list_headers_are_refused_as_in_mail():
    for changes in ({"to_email": "not-an-email"}, {"from_email": "ä@x.example"}, {"list_unsubscribe_url": None}):
        with pytest.raises(ValueError, match=r"address|https"):
            payload(**changes)


def test_a_text_that_is_an_api_key_does_not_leave():
    with pytest.raises(ValueError, match="API key"):
        payload(text="SG.abcdefgh.ijklmnop")
    hidden = payload(html="<p>our key: SG.abcdefghijklmnopqrstuv.ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq</p>")
    assert check(hidden) == ["A content part holds an API key."]


def many(count: int):
    def change(found, person):
        found["personalizations"] = [person | {"to": [{"email": f"p{n}@x.example"}]} for n in range(count)]

    return change


def test_a_thousand_people_are_accepted_and_one_more_is_not():
    assert broken(many(1000)) == []
    assert "A request has 1 to 1000 personalizations." in broken(many(1001))
    assert "A request has at most 1000 recipients." in broken(many(1001))


def tracking(found, group, **values):
    found["tracking_settings"][group].update(values)


def attached(found, **values):
    found["attachments"] = [{"type": "a/b", "filename": "a", "content": "QQ==", **values}]


RULES = [
    (lambda found, person: found.update(personalizations=[]), "1 to 1000 personalizations"),
    (lambda found, person: found["personalizations"].append(copy.deepcopy(person)), "stands twice"),
    (lambda found, person: person.update(cc=[{"email": "ANA@pediatrics.example"}]), "stands twice"),
    (lambda found, person: person["to"].append({"email": "b@x.example"}), "exactly one recipient"),
    (lambda found, person: person.update(to=[{"name": "not-an-email"}]), "recipient is not one plain ASCII address"),
    (lambda found, person: person["to"][0].update(email="ä@x.example"), "recipient is not one plain ASCII address"),
    (lambda found, person: person["to"][0].update(name="Müller; Ana"), "semicolon"),
    (lambda found, person: person["to"][0].update(name="Müller, Ana"), "comma"),
    (lambda found, person: found["from"].update(email="grüße@x.example"), "`from` needs"),
    (lambda found, person: found.pop("from"), "`from` needs"),
    (lambda found, person: person.update({"from": {"email": "x"}}), "`from` needs"),
    (lambda found, person: found.update(reply_to_list=[{"email": "a@x.example"}]), "exclude each other"),
    (lambda found, person: found.update(reply_to={"email": "a"}), "answer address"),
    (lambda found, person: found.update(reply_to_list=[{"email": "a@x.example"}] * 1001), "more than 1000"),
    (lambda found, person: person.pop("subject"), "subject of one line"),
    (lambda found, person: person.update(subject="a\r\nb"), "subject of one line"),
    (lambda found, person: person["custom_args"].update(n=7), "Custom arguments are strings"),
    (lambda found, person: person["custom_args"].update(n="x" * 10_000), "10000 bytes"),
    (lambda found, person: found.update(custom_args={"n": "ü" * 5_000}), "10000 bytes"),
    (lambda found, person: person.pop("custom_args"), "`om_mid` is missing"),
    (lambda found, person: person["custom_args"].update(who="ana@pediatrics.example"), "argument holds personal data"),
    (lambda found, person: person["custom_args"].update(who="Tongue tie group"), "argument holds personal data"),
    (lambda found, person: found["categories"].append("about ana"), "category holds personal data"),
    (lambda found, person: found.update(categories=[f"c{n}" for n in range(11)]), "at most 10"),
    (lambda found, person: found.update(categories=["a", "a"]), "each once"),
    (lambda found, person: found.update(categories=["x" * 256]), "255"),
    (lambda found, person: found.update(categories=[7]), "category is a string"),
    (lambda found, person: person.update(substitutions={"-a-": "x" * 10_000}), "Substitutions"),
    (lambda found, person: person.update(substitutions={"-a-": 1}), "Substitutions"),
    (lambda found, person: found.update(send_at=1), "`send_at` is not part of our requests"),
    (lambda found, person: found.update(template_id="d-1"), "`template_id` is not part"),
    (lambda found, person: person.update(send_at=1), "`send_at` is not part of our personalizations"),
    (lambda found, person: found.update(asm={"group_id": 1, "groups_to_display": list(range(26))}), "25"),
    (lambda found, person: found.update(ip_pool_name="x"), "2 to 64"),
    (lambda found, person: found["content"].reverse(), "text/plain first"),
    (lambda found, person: found["content"].pop(0), "text/plain first"),
    (lambda found, person: found["content"].append({"type": "text/html", "value": "x"}), "each once"),
    (lambda found, person: found["content"][0].update(value=""), "part is empty"),
    (lambda found, person: tracking(found, "click_tracking", enable_text=True), "click_tracking.enable_text"),
    (lambda found, person: tracking(found, "click_tracking", enable=True), "click_tracking.enable"),
    (lambda found, person: tracking(found, "open_tracking", enable=True), "open_tracking.enable"),
    (lambda found, person: tracking(found, "ganalytics", enable=True), "ganalytics"),
    (lambda found, person: found["tracking_settings"].pop("subscription_tracking"), "subscription_tracking.enable"),
    (lambda found, person: found.update(mail_settings={"bypass_list_management": {"enable": True}}), "bypasses no"),
    (lambda found, person: found.update(mail_settings={"sandbox_mode": {"enable": "true"}}), "JSON boolean"),
    (lambda found, person: person["headers"].update({"X-Note": "é"}), "one line of ASCII"),
    (lambda found, person: person["headers"].update({"X-Note": "a\r\nb"}), "one line of ASCII"),
    (lambda found, person: person["headers"].pop("List-Unsubscribe"), "List-Unsubscribe-Post stands without"),
    (lambda found, person: attached(found, type="text/calendar;method=REQUEST"), "holds a parameter"),
    (lambda found, person: attached(found, filename=""), "file name"),
    (lambda found, person: attached(found, content="Q"), "base64"),
    (lambda found, person: attached(found, content="A" * 30_000_000), "30 MB"),
]


@pytest.mark.parametrize(("change", "problem"), RULES)
def test_each_rule_is_seen_when_it_is_broken(change, problem):
    problems = broken(change)
    assert any(problem in found for found in problems), problems


@pytest.mark.parametrize(
    ("label", "problems"), [("x-NewsletterMills.3", ["A category holds personal data."]), ("mills", [])]
)
def test_a_whole_name_run_together_is_no_opaque_label_but_a_common_word_is(label, problems):
    def named(found, person):
        person["to"][0]["name"] = "Newsletter Mills"
        found["categories"].append(label)

    assert broken(named) == problems


RESERVED = ["x-sg-id", "X-SG-EID", "Received", "DKIM-Signature", "content-type", "Content-Transfer-Encoding"]


@pytest.mark.parametrize("name", [*RESERVED, "To", "From", "SUBJECT", "Reply-To", "CC", "bcc"])
def test_headers_that_are_sendgrids_are_seen_in_both_places(name):
    wanted = [f"The header `{name}` may not be set."]
    assert broken(lambda found, person: person["headers"].update({name: "1"})) == wanted
    assert broken(lambda found, person: found.update(headers={name: "1"})) == wanted


INVITATION_RULES = [
    (lambda found, person: found["content"][2].update(type="text/calendar"), "`text/calendar; method=REQUEST`"),
    (lambda found, person: found["content"][2].update(type="text/calendar; method=CANCEL"), "not the METHOD"),
    (lambda found, person: found["content"].append({"type": "text/x", "value": "x"}), "and the last"),
    (lambda found, person: found.pop("attachments"), "application/ics attachment"),
    (lambda found, person: found["attachments"][0].update(content="QQ=="), "application/ics attachment"),
    (lambda found, person: found["personalizations"].append(person | {"to": [{"email": "b@x.example"}]}), "one person"),
]


@pytest.mark.parametrize(("change", "problem"), INVITATION_RULES)
def test_an_invitation_keeps_its_shape(change, problem):
    problems = broken(change, calendar=INVITE)
    assert any(problem in found for found in problems), problems


def test_problems_name_nobody():
    def everything(found, person):
        person.update(
            to=[{"email": "ana@pediatrics.example", "name": "Müller; Ana"}] * 2, subject="", headers={"To": "é"}
        )
        person["custom_args"].update(who="ana@pediatrics.example")

    problems = broken(everything)
    assert len(problems) >= 6
    assert not any("ana" in problem.lower().split() or "pediatrics" in problem for problem in problems)
