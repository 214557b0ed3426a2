"""Recipes for former clients who said yes to mail. No detail but the name, nothing about their care, no reward."""

from outreach.campaigns.recipe_parts import Recipe, ask, email, rule, task, to_client, wait
from outreach.campaigns.steps import Step

SAID_YES = [rule("kind", "is", ["former-client"]), rule("permission", "yes")]


def _one_year_on() -> list[Step]:
    return [
        to_client(
            email(
                "How are you doing?",
                "How are you doing, one year on?",
                "A short hello from all of us",
                "It is about a year since we last saw you, and we wondered how you are.",
                "If everything is well, we are glad. If you would like a hand again, you can call us at {{ "
                "practice_phone }}; "
                "in many cases no referral is needed first.",
                "You need not answer. We just like to know.",
                plain=True,
            )
        ),
        wait(21),
        ask(
            "replied",
            [task("call", "Call back: they answered", "Ask how they are. Offer a visit only if they ask for one.")],
            [],
        ),
    ]


def _testimonial() -> list[Step]:
    return [
        to_client(
            email(
                "May we ask for a few words?",
                "May we ask you for a few words?",
                "Only if you like, in your own words",
                "Other people often ask us what it is like to come here. Nobody can say it better than "
                "somebody who has been.",
                "If you like, answer this email with two or three sentences in your own words. We would then "
                "call you and "
                "show you exactly where they may be used; nothing is published without your signature.",
                "Your care never depends on it, and you can withdraw your words at any time.",
                plain=True,
            )
        ),
        wait(21),
        ask(
            "replied",
            [
                task(
                    "call",
                    "Call: agree on their words",
                    "Read the words back, ask where they may stand, and send the permission page from Testimonials. "
                    "Never write for them, never promise anything.",
                )
            ],
            [],
        ),
    ]


def _after_discharge() -> list[Step]:
    return [
        to_client(
            email(
                "30 days: how is it going?",
                "How are you getting on?",
                "A short hello, a month later",
                "It has been about a month since your last visit with us, and we wondered how you are getting on.",
                "If something came up that you would like to ask, call {{ practice_phone }}. If all is well, you need "
                "not do anything.",
                plain=True,
            )
        ),
        wait(60),
        ask(
            "replied",
            [
                task(
                    "call",
                    "Call back: they answered",
                    "Listen first. Offer a visit only if they ask for one. Nothing about their care goes into "
                    "an email.",
                )
            ],
            [],
        ),
        to_client(
            email(
                "90 days: keeping it up",
                "Keeping it up",
                "Three habits that help most people",
                "Three months on, the small things count: a little every day rather than a lot once a week, a "
                "fixed time "
                "for it, and somebody who asks you about it.",
                "We are here if you would like a fresh pair of eyes: {{ practice_phone }}.",
            )
        ),
        *_half_a_year_and_a_year(),
    ]


def _half_a_year_and_a_year() -> list[Step]:
    return [
        wait(90),
        to_client(
            email(
                "180 days: still here for you",
                "Half a year on",
                "Still here if you need us",
                "Half a year has passed. We hope that you do not need us, and that you know where we are if you do.",
                "In many cases you can come without a new referral. We check that with you on the phone: "
                "{{ practice_phone }}.",
                plain=True,
            )
        ),
        wait(185),
        to_client(
            email(
                "365 days: a year on",
                "A year already",
                "A hello, and thank you",
                "A year ago you had your last visit with us. Thank you for the trust you gave us.",
                "If you ever hear of somebody who could use a hand, you are welcome to tell them about us. "
                "And if it is "
                "you, call {{ practice_phone }}.",
                plain=True,
            )
        ),
    ]


def _refer_a_friend() -> list[Step]:
    hello = to_client(
        email(
            "Do you know somebody?",
            "Do you know somebody whom we might help?",
            "A page of your own to pass on, if you like",
            "You know what it is like to come here. Should a friend, a neighbor or somebody at work ask, you are "
            "welcome to pass this page on: they leave their own name and number, and we call them.",
            "Nothing of yours stands on it, and nobody learns that it came from you. Please do not send us anybody "
            "else's details; they can do that themselves.",
            "There is no need to do anything. Your care with us never depends on it.",
            button="The page to pass on",
        )
    )
    for block in hello["draft"]["blocks"]:
        if block["type"] == "button":
            block["url"] = "{{ friend_url }}"
    return [hello]


CLIENT_RECIPES = (
    Recipe(
        "refer-a-friend",
        "Refer a friend",
        "One friendly email with a page of their own to pass on. No reward, and nobody is asked twice in 180 days.",
        "heart-handshake",
        "leaf",
        (
            "Former clients to ask",
            {"all": [*SAID_YES, rule("days-since-discharge", "at-least", "21")]},
        ),
        _refer_a_friend,
        {"topic": "asks"},
    ),
    Recipe(
        "after-discharge",
        "After discharge",
        "Four short notes to former clients, 30, 90, 180 and 365 days after discharge. Only to those who said yes.",
        "calendar-event",
        "leaf",
        ("Former clients who said yes", {"all": SAID_YES}),
        _after_discharge,
        {"entry": "discharged", "days_after": 30, "topic": "aftercare"},
    ),
    Recipe(
        "one-year-on",
        "One year on",
        "One warm, short note to former clients a year after discharge, and a call when they answer.",
        "cake",
        "gold",
        (
            "Former clients, one year on",
            {
                "all": [
                    *SAID_YES,
                    rule("days-since-discharge", "at-least", "365"),
                    rule("days-since-discharge", "at-most", "425"),
                ]
            },
        ),
        _one_year_on,
        {"topic": "aftercare"},
    ),
    Recipe(
        "testimonial",
        "Testimonial request",
        "Asks former clients for a few words, with the permission that they can withdraw.",
        "quote",
        "rose",
        ("Former clients who said yes", {"all": SAID_YES}),
        _testimonial,
        {"topic": "asks"},
    ),
)
