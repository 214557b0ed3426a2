"""Recipes for people who have not found their way to us yet: never referred, low conversion, peers, new acquaintances.

Nothing here offers anything of value: two of the groups rest on referrals (see `fence`).
"""

from collections.abc import Sequence

from outreach.campaigns.provider_recipes import TUESDAY_TO_THURSDAY
from outreach.campaigns.recipe_parts import Recipe, ask, email, rule, stop, task, wait
from outreach.campaigns.steps import Step

PRESCRIBERS = rule("kind", "is", ["physician", "provider"])


def _never_referred() -> list[Step]:
    return [
        email(
            "What we can take off your hands",
            "When walking, working or speaking gets hard",
            "What we do, and how soon",
            "Some people come to you with something that a therapist should see early: a shoulder that stays stiff, "
            "falls at home, a hand that no longer does its work, a child who is hard to understand.",
            "We are {{ practice_name }}, physical, occupational and speech therapists nearby. We check coverage first "
            "and tell you what we found, on one page.",
            "One call is enough: <b>{{ practice_phone }}</b>.",
            button="See what we do",
        ),
        wait(21, *TUESDAY_TO_THURSDAY),
        ask("clicked-or-replied", _interested(), _not_yet()),
        wait(45, *TUESDAY_TO_THURSDAY),
        email(
            "A question, and then we let you be",
            "May I ask whom you send people to?",
            "One line is enough",
            "You may well work with somebody you trust, and that is good for the people you see. I only wonder whether "
            "there is anything you miss: a service, a language, an hour of the day, a payer.",
            "If you answer with one line, I read it myself. If not, I will not write about this again soon.",
            plain=True,
        ),
        stop("referred", "replied"),
    ]


def _interested() -> list[Step]:
    call = task(
        "call",
        "Call: ask what would help",
        "They looked at our email. Ask whom they see most, what they wish they heard back from therapists, and "
        "whether ten minutes with one of us would be useful. Write down the answer.",
    )
    return [call]


def _not_yet() -> list[Step]:
    return [
        task(
            "visit",
            "Visit: say who we are",
            "Ask at the desk who arranges referrals and how they like to do it: fax, portal or phone. Leave the "
            "one-page guide. Two minutes, no sales talk.",
        )
    ]


def _when_to_refer() -> list[Step]:
    return [
        email(
            "Who gets most out of it",
            "Who gets most out of therapy, and when",
            "Three signs that it is time",
            "Thank you for thinking of us. Not everybody you send ends up starting, and I would like that to be easier "
            "for them and for you.",
            "Three signs that it is a good moment: something that was possible a month ago is not any more; pain or "
            "worry keeps somebody from moving, working or eating with others; an operation or a hospital stay is "
            "planned or just over.",
            "If you are not sure, call {{ practice_phone }}: we tell you in two minutes whether we are the "
            "right place.",
            button="When to refer",
        ),
        wait(21, *TUESDAY_TO_THURSDAY),
        email(
            "What makes starting easy",
            "What helps people really come",
            "Coverage, the first date, one sentence",
            "When somebody does not start, it is mostly one of three things: coverage was not clear, nobody "
            "called soon "
            "enough, or they did not know what to expect.",
            "We take care of the first two if we have payer and phone number on the referral. The third is yours: one "
            "sentence on why you send them does more than any brochure.",
            plain=True,
        ),
        wait(21, *TUESDAY_TO_THURSDAY),
        ask(
            "touched",
            [],
            [
                task(
                    "call",
                    "Call: what gets in the way?",
                    "Several people they sent us never started. Ask openly what they hear: coverage, the way, the "
                    "language, our waiting time? Offer to settle one thing. Never speak about a single person.",
                )
            ],
        ),
        stop("replied"),
    ]


def _peers() -> list[Step]:
    return [
        email(
            "From one therapist to another",
            "From one therapist to another",
            "Who we are, and whom we would send to you",
            "We are {{ practice_name }}. We do not do everything, and we would rather send people to a "
            "colleague whom we "
            "know than tell them to look around.",
            "Would you tell me what you do best, which payers you take and how long people wait? I pass it on to "
            "everyone here.",
            plain=True,
        ),
        wait(30, *TUESDAY_TO_THURSDAY),
        ask(
            "replied",
            [
                task(
                    "call",
                    "Call: compare notes",
                    "They answered. Ask whom they see, what they do not do, and how they like to hand people "
                    "over. Note "
                    "their disciplines and payers on the contact.",
                )
            ],
            [
                email(
                    "Where we complement each other",
                    "Where we could complement each other",
                    "Moving, working, eating, speaking",
                    "Many people need more than one of us: after a stroke, with a tremor, in a child’s first years. If "
                    "physical, occupational or speech therapy is what you do not offer, we would be glad to be the "
                    "ones you call, and to send people back to you afterwards.",
                    "A call to {{ practice_phone }} is all it takes.",
                    button="What we do",
                )
            ],
        ),
        wait(60, *TUESDAY_TO_THURSDAY),
        task(
            "call",
            "Call: how is it going with you?",
            "Colleague to colleague: what is new, what are they looking for, is there somebody we should both know?",
        ),
        stop("replied", tell=True),
    ]


def _good_to_meet_you() -> list[Step]:
    return [
        task(
            "write",
            "Write by hand: good to meet you",
            "Within two days. One sentence on what you talked about, one on what you promised. No brochure.",
        ),
        wait(4),
        email(
            "Good to meet you",
            "Good to meet you",
            "As promised, who we are on one page",
            "It was good to meet you. So that you have it in writing: we are {{ practice_name }}, physical, "
            "occupational "
            "and speech therapists.",
            "If a question comes up about somebody you see, call me at {{ sender_phone }}. I find the right "
            "person here.",
            plain=True,
        ),
        wait(21, *TUESDAY_TO_THURSDAY),
        ask(
            "clicked-or-replied",
            [task("call", "Call: keep it going", "They answered. Ask for ten minutes at their place, or here.")],
            [
                email(
                    "Something you can use",
                    "Something you can use tomorrow",
                    "A short guide, no strings attached",
                    "Since we met I thought you might like this: how we decide who should be seen this week "
                    "and who can "
                    "wait. Use it as you like.",
                    button="Read the guide",
                )
            ],
        ),
        wait(60, *TUESDAY_TO_THURSDAY),
        task(
            "call",
            "Check in, three months on",
            "How have they been? Is there anything they wish they had from us? Note the answer, and when to ask again.",
        ),
        stop("replied", "referred"),
    ]


def _among(*kinds: str) -> dict[str, object]:
    return rule("kind", "is", list(kinds))


def _all(*rules: object) -> dict[str, Sequence[object]]:
    return {"all": list(rules)}


GROWTH_RECIPES = (
    Recipe(
        "never-referred",
        "Never referred yet",
        "For physicians you have known for a while who never sent anybody: two emails, a visit or a call. Then quiet.",
        "search",
        "sky",
        (
            "Never referred yet",
            _all(PRESCRIBERS, rule("ever-referred", "is", ["no"]), rule("added", "not-within-days", "90")),
        ),
        _never_referred,
        {"again_days": 365, "topic": "introductions"},
    ),
    Recipe(
        "when-to-refer",
        "When to refer",
        "For people whose referrals seldom become clients: who gets most out of it, and what helps people start.",
        "help",
        "gold",
        (
            "Refer, but few start",
            _all(rule("referrals-in-a-year", "at-least", "3"), rule("started-in-a-year", "at-most", "1")),
        ),
        _when_to_refer,
        {"again_days": 365, "own_share": True, "topic": "referring"},
    ),
    Recipe(
        "peers",
        "Peers of other disciplines",
        "Colleague to colleague: whom you would send to them, and what you do that they do not.",
        "users",
        "iris",
        ("Peer therapists", _all(_among("peer-therapist"))),
        _peers,
        {"again_days": 365, "topic": "peers"},
    ),
    Recipe(
        "good-to-meet-you",
        "Good to meet you",
        "After a conference or a first meeting: a note by hand within two days, two emails, a call after three months.",
        "message",
        "leaf",
        (
            "Met in the last 30 days",
            _all(
                _among("physician", "provider", "office-staff", "peer-therapist"),
                {"any": [rule("met", "within-days", "30"), rule("attended-event", "within-days", "30")]},
            ),
        ),
        _good_to_meet_you,
        {"topic": "acquaintances"},
    ),
)
