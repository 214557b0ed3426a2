"""Recipes: complete campaigns to start from, never a blank page. Texts: provider_recipes, client_recipes."""

import copy
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.campaigns import editing
from outreach.campaigns.client_recipes import CLIENT_RECIPES
from outreach.campaigns.growth_recipes import GROWTH_RECIPES
from outreach.campaigns.models import Campaign
from outreach.campaigns.provider_recipes import PROVIDER_RECIPES
from outreach.campaigns.recipe_parts import Recipe, stop
from outreach.campaigns.setup import Setup
from outreach.campaigns.steps import walk
from outreach.contacts import group_editing
from outreach.contacts.models import Group
from outreach.errors import Refusal
from outreach.practice.queries import practice_of
from outreach.screen import World

RECIPES: dict[str, Recipe] = {recipe.key: recipe for recipe in (*PROVIDER_RECIPES, *GROWTH_RECIPES, *CLIENT_RECIPES)}


def start(
    session: Session,
    *,
    now: datetime,
    world: World,
    zone: ZoneInfo,
    recipe: Recipe,
    by_id: int | None,
    group_id: int | None = None,
) -> Campaign:
    """A draft made of the recipe, for the chosen group or the recipe's own (made when it is not there yet)."""
    chosen = group_id or _own_group(session, recipe, now=now, world=world, zone=zone, by_id=by_id)
    setup = Setup.from_json({**recipe.setup, "group_id": chosen})
    website = practice_of(session).website.strip()
    content = recipe.steps()
    for place in walk(content):
        if place.step["kind"] == "email":
            _fill_links(place.step["draft"]["blocks"], website)
    return editing.create(
        session,
        now=now,
        by_id=by_id,
        name=_free_name(session, recipe.name),
        recipe=recipe.key,
        setup=setup,
        content=content,
    )


def start_own(session: Session, *, now: datetime, by_id: int | None, name: str, group_id: int | None) -> Campaign:
    """A draft with one email to write, that stops when they refer or reply; called as typed, "New campaign" without."""
    return editing.create(
        session,
        now=now,
        by_id=by_id,
        name=_free_name(session, name.strip()[:180] or "New campaign"),
        setup=Setup(group_id=group_id),
        content=[{"kind": "email", **copy.deepcopy(editing.NEW_STEPS["email"])}, stop("referred", "replied")],
    )


def _free_name(session: Session, name: str) -> str:
    # Two campaigns of one name cannot be told apart in a list: the second one is "… 2".
    same = select(Campaign.name).where(Campaign.name.startswith(name, autoescape=True), Campaign.deleted_at.is_(None))
    taken = set(session.scalars(same))
    numbered = (f"{name} {number}" for number in range(2, len(taken) + 2))
    return next((free for free in numbered if free not in taken), name) if name in taken else name


def _fill_links(blocks: list[dict[str, str]], website: str) -> None:
    # A button without an address would only be a blocker: without a website of the practice there is none.
    blocks[:] = [block for block in blocks if block["type"] != "button" or website.startswith("https://")]
    for block in blocks:
        if block["type"] == "button":
            block["url"] = website


def _own_group(
    session: Session, recipe: Recipe, *, now: datetime, world: World, zone: ZoneInfo, by_id: int | None
) -> int | None:
    name, rules = recipe.group
    known = session.scalar(select(Group).where(Group.name == name, Group.deleted_at.is_(None)))
    if known is not None:
        return known.id
    made = group_editing.save_group(
        session, None, name=name, rules=rules, now=now, zone=zone, facts=world.group_facts, by_id=by_id
    )
    return None if isinstance(made, Refusal) else made.id
