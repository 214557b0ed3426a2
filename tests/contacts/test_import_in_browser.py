"""The pages of an import in Chromium, in each of their states: nothing that axe finds, nothing too wide."""

from dataclasses import replace

import pytest

from jobs.catalog import job_named
from jobs.runner import work
from outreach.clock import FrozenClock
from outreach.config import Settings
from outreach.runtime import open_runtime
from outreach.web import create_app
from tests.browser.chromium import open_browser
from tests.browser.live import carry_session, complaints, served
from tests.contacts.test_import_deciding import NAMESAKES, nppes
from tests.contacts.test_import_screens import CHOICES, upload
from tests.people import Cast, post, sign_in

pytestmark = pytest.mark.browser

COLUMNS = {"column-0": "first_name", "column-1": "last_name", "column-2": "email", "column-3": "city"}
MIXED = NAMESAKES + b'Tom,Brandt,tom@handworks.example,X\n=Bad,Row,no-address,\n"Br,oken,x@x.example,\n'


def test_every_page_of_an_import_stands_up_to_axe_at_both_widths(
    settings: Settings, clock: FrozenClock, cast: Cast
) -> None:
    runtime = open_runtime(replace(settings, public_url=None), clock=clock)
    app = create_app(runtime)
    maya = sign_in(app, runtime, "maya@cedarlane.example")
    match, checked, done, running = (upload(maya, MIXED, f"{name}.csv").headers["Location"] for name in "abcd")
    national = upload(maya, nppes(("1234567893", "1", "12545", "207Q00000X")), "npidata_pfile.csv").headers["Location"]
    stopped = upload(maya, MIXED.replace(b"Raman", b"Ram"), "e.csv").headers["Location"]
    for where in (checked, done, running, stopped):
        post(maya, f"{where}/check", {**CHOICES, **COLUMNS}, form_at=where)
    post(maya, f"{done}/run", form_at=done)
    work(runtime, job_named("import-contacts"))
    post(maya, f"{running}/run", form_at=running)
    post(maya, f"{stopped}/run", form_at=stopped)
    post(maya, f"{stopped}/stop", form_at=stopped)
    pages = {
        "start": "/contacts/import",
        "match": match,
        "nppes": national,
        "checked": checked,
        "done": done,
        "running": running,
        "stopped": stopped,
    }
    with served(app) as address, open_browser() as browser:
        page = browser.new_page()
        carry_session(maya, page.context, address)
        found = []
        for path in pages.values():
            page.goto(address + path)
            found += complaints(page)
    runtime.close()
    assert found == []
