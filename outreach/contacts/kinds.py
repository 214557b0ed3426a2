"""The kinds of contacts and organizations, and the audience class that follows from a kind (architecture 9.8)."""

CLASS_OF = {
    "physician": "provider",
    "provider": "provider",
    "office-staff": "provider",
    "office": "provider",
    "payer": "provider",
    "transport-partner": "provider",
    "community-organization": "organization",
    "peer-therapist": "peer",
    "client": "client",
    "former-client": "client",
    "family": "client",
}
KINDS = tuple(CLASS_OF)
AUDIENCE_CLASSES = ("provider", "organization", "peer", "client")
REFERRING_KINDS = ("physician", "provider", "office", "community-organization", "peer-therapist", "former-client")

KIND_LABELS = {
    "physician": "Physician",
    "provider": "Provider (NP, PA …)",
    "office-staff": "Office staff",
    "office": "Office",
    "payer": "Payer",
    "transport-partner": "Transport partner",
    "community-organization": "Community organization",
    "peer-therapist": "Peer therapist",
    "client": "Client",
    "former-client": "Former client",
    "family": "Family",
}

ORGANIZATION_TYPES = (
    "medical-practice",
    "school",
    "senior-center",
    "employer",
    "sports-club",
    "faith-group",
    "support-group",
    "transport-partner",
    "payer",
    "therapy-practice",
    "other",
)

CLASS_SQL = "CASE " + " ".join(f"WHEN kind = '{kind}' THEN '{group}'" for kind, group in CLASS_OF.items()) + " END"
"""The class as a stored generated column, so that no code can let the two drift apart."""


def audience_class(kind: str) -> str:
    """The class that decides transports and rules for a contact of this kind. Errors: KeyError for an unknown kind."""
    return CLASS_OF[kind]
