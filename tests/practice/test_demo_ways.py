"""The demo promises that no mail leaves the machine, whatever stands in the environment."""

import pytest

from outreach.config import settings_from
from outreach.deliveries.transports.registry import open_transports
from outreach.errors import SettingsError

KEY = "SG." + "x" * 22 + "." + "y" * 43


def demo(tmp_path, **env):
    return settings_from({"OUTREACH_HOME": str(tmp_path), **env}, mode="demo")


def test_a_key_that_lies_about_is_not_used(tmp_path):
    assert open_transports(demo(tmp_path, SENDGRID_API_KEY=KEY)).names == ("folder",)


def test_servers_on_this_machine_may_be_tried(tmp_path):
    here = demo(
        tmp_path,
        SENDGRID_API_KEY=KEY,
        SENDGRID_BASE_URL="http://127.0.0.1:9001",
        OUTREACH_SMTP_URL="smtp://localhost:2525",
    )
    assert open_transports(here).names == ("sendgrid", "smtp")


def test_a_mail_server_elsewhere_is_refused_with_a_sentence(tmp_path):
    with pytest.raises(SettingsError, match="OUTREACH_SMTP_URL"):
        demo(tmp_path, OUTREACH_SMTP_URL="smtp://mail.cedarlane.example")


def test_an_installation_in_earnest_uses_both(tmp_path):
    env = {
        "OUTREACH_HOME": str(tmp_path),
        "SENDGRID_API_KEY": KEY,
        "OUTREACH_SMTP_URL": "smtp://mail.cedarlane.example",
    }
    assert open_transports(settings_from(env)).names == ("sendgrid", "smtp")
