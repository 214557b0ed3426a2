"""Pages of recipients read a few words only: whoever may post without signing in cannot send a whole upload."""

import pytest

from outreach.bodies import SMALL

pytestmark = pytest.mark.sqlite
LARGER = {
    "deliveries_public.inbound_parse": "whole mails arrive here",
    "practice_public.setup_page": "a logo is uploaded once",
    "practice_public.choose_password": "a link of our own people",
    "stories_public.sign": "a signed paper is scanned",
    "stories_public.withdraw": "stands beside the signing",
}


def test_public_forms_take_little_unless_it_says_why(app):
    public = [
        rule
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and "_public." in rule.endpoint and "<" in rule.rule
    ]
    found = {rule.endpoint for rule in public if not rule.rule.startswith(SMALL)}
    assert found == LARGER.keys()
