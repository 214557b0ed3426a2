"""No secret of the environment is in a sentence that somebody prints or logs."""

import pytest

from outreach.config import settings_from
from outreach.errors import SettingsError

CANARY = "canary-Zq81"


def test_settings_can_be_printed_without_anything_secret(tmp_path):
    env = {
        "OUTREACH_HOME": str(tmp_path),
        "OUTREACH_SECRET_KEY": CANARY + "k" * 40,
        "OUTREACH_SECRETS_KEY": CANARY + "s" * 40,
        "OUTREACH_SMTP_URL": f"smtps://olive:{CANARY}@mail.example.com",
        "OUTREACH_IMAP_URL": f"imaps://olive:{CANARY}@mail.example.com",
        "SENDGRID_API_KEY": CANARY,
        "DATABASE_URL": f"postgresql+psycopg://outreach:{CANARY}@database.example/outreach",
    }
    settings = settings_from(env, mode="run")
    assert CANARY not in repr(settings)
    assert CANARY in settings.smtp_url


@pytest.mark.parametrize("name", ["OUTREACH_SMTP_URL", "OUTREACH_IMAP_URL"])
@pytest.mark.parametrize(
    "url",
    [
        f"http://olive:{CANARY}@mail.example.com",
        f"smtps://olive:{CANARY}@mail.example.com:twenty",
        f"imaps://olive:{CANARY}@",
        f"smtps://olive:{CANARY}",
    ],
)
def test_an_address_that_will_not_do_is_refused_without_its_password(tmp_path, name, url):
    with pytest.raises(SettingsError, match=name) as refused:
        settings_from({"OUTREACH_HOME": str(tmp_path), name: url}, mode="run")
    assert CANARY not in str(refused.value)
