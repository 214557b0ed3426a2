"""Where the practice is at home: the middle of every ZIP, the ZIPs it serves, and how far each is from each clinic."""

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base


class ZipPlace(Base):
    """The centroid of a ZIP (of its census tabulation area), in degrees; loaded once from the Census gazetteer."""

    __tablename__ = "zip_place"
    __table_args__ = (
        CheckConstraint("latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="on_earth"),
        Index("ix_zip_place_latitude", "latitude", "longitude"),
    )

    zip5: Mapped[str] = mapped_column(String(5), primary_key=True)
    latitude: Mapped[float] = mapped_column(Float)
    longitude: Mapped[float] = mapped_column(Float)


class ServiceZip(Base):
    """A ZIP that belongs to the practice's service area."""

    __tablename__ = "service_zip"

    zip5: Mapped[str] = mapped_column(String(5), primary_key=True)


class ZipDistance(Base):
    """How far the middle of a ZIP is from the middle of a clinic's ZIP, in miles as the crow flies."""

    __tablename__ = "zip_distance"

    zip5: Mapped[str] = mapped_column(String(5), primary_key=True)
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id", ondelete="CASCADE"), primary_key=True)
    miles: Mapped[float] = mapped_column(Float)
