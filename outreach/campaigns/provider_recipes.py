"""Recipes for physicians, offices and community organizations. No reward is ever promised or hinted at."""

from outreach.campaigns.recipe_parts import Recipe, ask, email, rule, stop, task, wait
from outreach.campaigns.steps import Step

TUESDAY_TO_THURSDAY = (1, 2, 3)


def _welcome() -> list[Step]:
    return [
        email(
            "Hello from us",
            "A therapy team near you",
            "Who we see, how soon, and how to reach us",
            "We are {{ practice_name }}, physical, occupational and speech therapists close to "
            "{{ organization | your practice }}.",
            "Most people are seen within a few days, and we check coverage before the first visit. You hear "
            "from us after "
            "the evaluation and at discharge, on one page.",
            "Referring takes one page or one call: <b>{{ practice_phone }}</b>.",
            button="How to refer",
        ),
        wait(14),
        ask(
            "clicked-or-replied",
            [
                task(
                    "call",
                    "Call: ask what would help their clients",
                    "They looked at our email. Ask who they see most, what they wish therapists told them, and "
                    "whether a "
                    "short visit to their office would be welcome.",
                )
            ],
            [
                email(
                    "One-page referral guide",
                    "How to send someone to us, on one page",
                    "What we need, and what you get back",
                    "Three things are enough: the discipline (physical, occupational or speech), the payer, and how to "
                    "reach the person. We do the rest, insurance included.",
                    "Call {{ practice_phone }} or answer this email, and I send you the form.",
                    plain=True,
                )
            ],
        ),
        wait(15, *TUESDAY_TO_THURSDAY),
        email(
            "What we tell you back",
            "What you hear from us after you refer",
            "One page after the first visit, one at discharge",
            "A referral should not vanish. After the first visit you get our findings and the plan; at "
            "discharge, what was "
            "reached and what comes next.",
            "If you would like it by fax, by portal or by phone, tell me once, and we keep to it.",
            button="Meet the team",
        ),
        stop("referred", "replied"),
    ]


def _thanks() -> list[Step]:
    return [
        task(
            "thank",
            "Thank them in person",
            "Call or write by hand within two days. Thank them for their trust, and say nothing about the client.",
        ),
        wait(14, *TUESDAY_TO_THURSDAY),
        email(
            "Thank you for your trust",
            "Thank you for your trust",
            "And a question: how was it for you?",
            "Thank you for sending someone our way. It means a lot to the whole team.",
            "Did you hear from us as soon as you wished, and in the form you like? Answer in one line; I read "
            "every answer.",
            plain=True,
        ),
        stop("replied"),
    ]


def _lapsing() -> list[Step]:
    return [
        task(
            "call",
            "Call: how has it been going?",
            "It has been quieter than usual. Ask openly: did something not go well, did people ask for another "
            "place, has "
            "the office changed? Listen, write down what they say.",
        ),
        wait(4),
        ask(
            "reached",
            [],
            [
                email(
                    "Is there something we could do better?",
                    "Could we do something better?",
                    "A short, honest question",
                    "We have not been in touch for a while, and I would like to know whether we let you down "
                    "somewhere.",
                    "Waiting times, reports, insurance, anything: a line is enough, and I see to it myself. My "
                    "number is "
                    "{{ sender_phone }}.",
                    plain=True,
                )
            ],
        ),
        wait(14, *TUESDAY_TO_THURSDAY),
        email(
            "What is new with us",
            "What is new at {{ practice_name }}",
            "Services, locations, payers",
            "A short update, so that your information about us is right: we see people for physical, occupational and "
            "speech therapy, and we check coverage before the first visit.",
            "Tell us what you miss, and call {{ practice_phone }} whenever somebody cannot wait.",
            button="See our services",
        ),
        stop("referred", "replied"),
    ]


def _community() -> list[Step]:
    return [
        email(
            "An introduction",
            "Therapists in your neighborhood",
            "Talks, screenings and an open ear",
            "We are {{ practice_name }}, therapists for moving, working, eating and speaking, just around the "
            "corner from "
            "{{ organization | you }}.",
            "We like to come by: a talk on balance at home, on posture at work, or on how children learn to "
            "speak. It costs "
            "your group nothing, and nobody has to sign up for anything.",
            button="Our topics",
        ),
        wait(14),
        ask(
            "replied",
            [
                task(
                    "call",
                    "Call: find a date for a talk",
                    "They answered. Ask how many people come, which topic fits, and who opens the room.",
                )
            ],
            [
                email(
                    "A talk for your group",
                    "Shall we come by with a talk?",
                    "Half an hour, your topic, your room",
                    "Would half an hour on a topic of your choice suit your group this season? We bring everything.",
                    "Answer with a topic or a month, and I call you.",
                    plain=True,
                )
            ],
        ),
        wait(30, *TUESDAY_TO_THURSDAY),
        task("visit", "Visit: say hello", "Bring our list of topics. Ask whom to write to in the future."),
        stop("replied", tell=True),
    ]


PROVIDER_RECIPES = (
    Recipe(
        "welcome",
        "New physician welcome",
        "Three emails and a call over about six weeks for physicians who are new to you. Stops when they refer.",
        "user-plus",
        "pine",
        (
            "New physicians",
            {"all": [rule("kind", "is", ["physician", "provider"]), rule("added", "within-days", "90")]},
        ),
        _welcome,
        {"topic": "introductions"},
    ),
    Recipe(
        "thank-you",
        "Thank-you loop",
        "A personal thank-you within two days of a referral, then one short question.",
        "heart-handshake",
        "leaf",
        ("Referred in the last 30 days", {"all": [rule("referred", "within-days", "30")]}),
        _thanks,
        {"again_days": 90},
    ),
    Recipe(
        "lapsing",
        "Lapsing referrer",
        "A call first, then two honest emails, for people who refer less than is usual for them.",
        "trending-down",
        "clay",
        ("Lapsing referrers", {"all": [rule("lapsing", "is", ["yes"])]}),
        _lapsing,
        {"again_days": 180},
    ),
    Recipe(
        "community",
        "Community intro",
        "Introduces you to schools, senior centers and clubs, and offers a talk.",
        "building",
        "iris",
        ("Community organizations", {"all": [rule("kind", "is", ["community-organization"])]}),
        _community,
        {"topic": "introductions"},
    ),
)
