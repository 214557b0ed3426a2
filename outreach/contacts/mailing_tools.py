"""HubSpot, Constant Contact and Outlook, by the names of their columns. Pure.

Source: reference/domain.md 4.3. Of several columns for a field that takes one, the last that is filled counts.
"""

from outreach.contacts.fileformat import Format

HUBSPOT = Format(
    "hubspot",
    "HubSpot contacts",
    ("Record ID", "First Name", "Last Name", "Email"),
    {
        "prefix": ("Salutation",),
        "first_name": ("First Name",),
        "last_name": ("Last Name",),
        "organization": ("Associated Company", "Company Name"),
        "title": ("Job Title",),
        "email": ("Email", "Work email", "Additional email addresses"),
        "phone": ("Phone Number", "Mobile Phone Number"),
        "street": ("Street Address",),
        "city": ("City",),
        "state": ("State/Region",),
        "zip": ("Postal Code",),
        "unsubscribed": ("Unsubscribed from all email",),
    },
)
HUBSPOT_STOPPED = Format(
    "hubspot-stopped",
    "HubSpot, unsubscribed and bounced",
    ("Portal Bounce", "Portal Unsubscribe", "Portal Spam Report"),
    {
        "email": ("Email", "Email Address", "Recipient"),
        "bounced": ("Portal Bounce", "Global Bounce"),
        "unsubscribed": ("Portal Unsubscribe",),
        "complained": ("Portal Spam Report",),
    },
    opt_outs_only=True,
)
CONSTANT_CONTACT = Format(
    "constant-contact",
    "Constant Contact",
    ("Email address", "First name", "Last name", "Email status"),
    {
        "first_name": ("First name",),
        "last_name": ("Last name",),
        "organization": ("Company", "Company name"),
        "title": ("Job title",),
        "email": ("Email address",),
        "phone": ("Phone", "Phone - work", "Phone - mobile", "Phone - home", "Phone - other"),
        "street": ("Street address line 1 - Work", "Street address line 1"),
        "city": ("City - Work", "City"),
        "state": ("State/Province - Work", "State/Province", "State"),
        "zip": ("Zip/Postal code - Work", "Zip/Postal code", "Zip"),
        "home_street": ("Street address line 1 - Home",),
        "home_city": ("City - Home",),
        "home_state": ("State/Province - Home",),
        "home_zip": ("Zip/Postal code - Home",),
        "tags": ("Email Lists", "Tags"),
        "birthday": ("Birthday",),
        "unsubscribed": ("Email status", "Email permission status"),
    },
)
CONSTANT_CONTACT_LEADS = Format(
    "constant-contact-leads",
    "Constant Contact Lead Gen & CRM",
    ("First Name", "Last Name", "Email Address", "Is Unsubscribed"),
    {
        "first_name": ("First Name",),
        "last_name": ("Last Name",),
        "organization": ("Company Name",),
        "title": ("Title",),
        "email": ("Email Address",),
        "phone": ("Office Phone Number", "Phone Number", "Mobile Phone Number"),
        "street": ("Street",),
        "city": ("City",),
        "state": ("State",),
        "zip": ("Zip", "ZIP Code"),
        "unsubscribed": ("Is Unsubscribed",),
    },
)
OUTLOOK = Format(
    "outlook",
    "Outlook",
    ("First Name", "Last Name", "Company", "Job Title", "E-mail Address", "Business Phone"),
    {
        "prefix": ("Title",),
        "first_name": ("First Name",),
        "middle_name": ("Middle Name",),
        "last_name": ("Last Name",),
        "suffix": ("Suffix",),
        "organization": ("Company",),
        "title": ("Job Title",),
        "email": ("E-mail Address", "E-mail 2 Address", "E-mail 3 Address"),
        "phone": ("Business Phone", "Business Phone 2", "Mobile Phone", "Home Phone", "Primary Phone"),
        "street": ("Business Street", "Business Street 2", "Business Street 3"),
        "city": ("Business City",),
        "state": ("Business State",),
        "zip": ("Business Postal Code",),
        "home_street": ("Home Street", "Home Street 2", "Home Street 3"),
        "home_city": ("Home City",),
        "home_state": ("Home State",),
        "home_zip": ("Home Postal Code",),
        "tags": ("Categories",),
        "birthday": ("Birthday",),
        "notes": ("Notes",),
    },
)
MAILING_TOOLS = (HUBSPOT_STOPPED, HUBSPOT, CONSTANT_CONTACT, CONSTANT_CONTACT_LEADS, OUTLOOK)
