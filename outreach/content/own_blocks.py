"""The blocks that this room brings itself, in the order in which they are offered."""

from outreach.content.basic_blocks import Button, Divider, Greeting, Heading, Text
from outreach.content.blocks import Block
from outreach.content.file_blocks import FileLink
from outreach.content.people_blocks import Quote, Signature, StaffCard
from outreach.content.picture_blocks import Columns, Picture
from outreach.content.service_blocks import ServiceCard

OWN_BLOCKS: tuple[Block, ...] = (
    Greeting(),
    Heading(),
    Text(),
    Picture(),
    Button(),
    FileLink(),
    ServiceCard(),
    Quote(),
    StaffCard(),
    Columns(),
    Divider(),
    Signature(),
)
