"""Deliveries that can be trusted

Revision: 6e1d9f82ebbe, after 88e64e78246d
"""

import sqlalchemy as sa
from alembic import op

revision = '6e1d9f82ebbe'
down_revision = '88e64e78246d'
branch_labels = None
depends_on = None

ARROWS = {
    'sqlite': [
        "CREATE TRIGGER tr_delivery_arrows BEFORE UPDATE OF state ON delivery WHEN OLD.state <> NEW.state AND NOT ((OLD.state = 'sending' AND (NEW.state = 'sent' OR NEW.state = 'scheduled' OR NEW.state = 'failed' OR NEW.state = 'unconfirmed')) OR (OLD.state = 'claimed' AND (NEW.state = 'scheduled' OR NEW.state = 'sending' OR NEW.state = 'unconfirmed' OR NEW.state = 'held' OR NEW.state = 'suppressed' OR NEW.state = 'expired' OR NEW.state = 'cancelled' OR NEW.state = 'failed')) OR (OLD.state = 'scheduled' AND (NEW.state = 'claimed' OR NEW.state = 'unconfirmed' OR NEW.state = 'held' OR NEW.state = 'suppressed' OR NEW.state = 'expired' OR NEW.state = 'cancelled' OR NEW.state = 'failed')) OR (OLD.state = 'resend-approved' AND (NEW.state = 'claimed' OR NEW.state = 'unconfirmed' OR NEW.state = 'sent' OR NEW.state = 'delivered' OR NEW.state = 'bounced' OR NEW.state = 'complained' OR NEW.state = 'held' OR NEW.state = 'suppressed' OR NEW.state = 'expired' OR NEW.state = 'cancelled' OR NEW.state = 'failed')) OR (OLD.state = 'sent' AND (NEW.state = 'delivered' OR NEW.state = 'bounced' OR NEW.state = 'complained')) OR (OLD.state = 'delivered' AND (NEW.state = 'bounced' OR NEW.state = 'complained')) OR (OLD.state = 'bounced' AND (NEW.state = 'complained')) OR (OLD.state = 'unconfirmed' AND (NEW.state = 'sent' OR NEW.state = 'delivered' OR NEW.state = 'bounced' OR NEW.state = 'complained' OR NEW.state = 'resend-approved' OR NEW.state = 'abandoned')) OR (OLD.state = 'held' AND (NEW.state = 'scheduled' OR NEW.state = 'suppressed' OR NEW.state = 'expired' OR NEW.state = 'cancelled' OR NEW.state = 'failed')) OR (OLD.state = 'failed' AND (NEW.state = 'scheduled'))) BEGIN SELECT RAISE(ABORT, 'This state of a delivery may not follow.'); END",
    ],
    'postgresql': [
        "CREATE OR REPLACE FUNCTION delivery_arrows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'This state of a delivery may not follow.' USING ERRCODE = 'check_violation'; END $$",
        "CREATE TRIGGER tr_delivery_arrows BEFORE UPDATE OF state ON delivery FOR EACH ROW WHEN (OLD.state <> NEW.state AND NOT ((OLD.state = 'sending' AND (NEW.state = 'sent' OR NEW.state = 'scheduled' OR NEW.state = 'failed' OR NEW.state = 'unconfirmed')) OR (OLD.state = 'claimed' AND (NEW.state = 'scheduled' OR NEW.state = 'sending' OR NEW.state = 'unconfirmed' OR NEW.state = 'held' OR NEW.state = 'suppressed' OR NEW.state = 'expired' OR NEW.state = 'cancelled' OR NEW.state = 'failed')) OR (OLD.state = 'scheduled' AND (NEW.state = 'claimed' OR NEW.state = 'unconfirmed' OR NEW.state = 'held' OR NEW.state = 'suppressed' OR NEW.state = 'expired' OR NEW.state = 'cancelled' OR NEW.state = 'failed')) OR (OLD.state = 'resend-approved' AND (NEW.state = 'claimed' OR NEW.state = 'unconfirmed' OR NEW.state = 'sent' OR NEW.state = 'delivered' OR NEW.state = 'bounced' OR NEW.state = 'complained' OR NEW.state = 'held' OR NEW.state = 'suppressed' OR NEW.state = 'expired' OR NEW.state = 'cancelled' OR NEW.state = 'failed')) OR (OLD.state = 'sent' AND (NEW.state = 'delivered' OR NEW.state = 'bounced' OR NEW.state = 'complained')) OR (OLD.state = 'delivered' AND (NEW.state = 'bounced' OR NEW.state = 'complained')) OR (OLD.state = 'bounced' AND (NEW.state = 'complained')) OR (OLD.state = 'unconfirmed' AND (NEW.state = 'sent' OR NEW.state = 'delivered' OR NEW.state = 'bounced' OR NEW.state = 'complained' OR NEW.state = 'resend-approved' OR NEW.state = 'abandoned')) OR (OLD.state = 'held' AND (NEW.state = 'scheduled' OR NEW.state = 'suppressed' OR NEW.state = 'expired' OR NEW.state = 'cancelled' OR NEW.state = 'failed')) OR (OLD.state = 'failed' AND (NEW.state = 'scheduled')))) EXECUTE FUNCTION delivery_arrows()",
    ],
}


def upgrade() -> None:
    op.create_table('high_water',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('machine', sa.String(length=64), nullable=False),
    sa.Column('place', sa.String(length=64), nullable=False),
    sa.Column('cluster', sa.String(length=64), nullable=False),
    sa.Column('timeline', sa.Integer(), nullable=False),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('id = 1', name=op.f('ck_high_water_one_row')),
    sa.CheckConstraint('number >= 0', name=op.f('ck_high_water_number')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_high_water'))
    )
    op.create_table('mailbox_mark',
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('uid_validity', sa.BigInteger(), nullable=False),
    sa.Column('last_uid', sa.BigInteger(), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_mailbox_mark'))
    )
    op.create_table('paper_source',
    sa.Column('source', sa.String(length=40), nullable=False),
    sa.Column('source_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('since_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('source', 'source_id', name=op.f('pk_paper_source'))
    )
    op.create_table('public_use',
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('window_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('spent', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('key', 'window_at', name=op.f('pk_public_use'))
    )
    with op.batch_alter_table('public_use', schema=None) as batch_op:
        batch_op.create_index('ix_public_use_window_at', ['window_at'], unique=False)

    op.create_table('transport_throttle',
    sa.Column('name', sa.String(length=20), nullable=False),
    sa.Column('per_second', sa.Double(), nullable=True),
    sa.Column('burst', sa.Integer(), nullable=True),
    sa.Column('per_day', sa.Integer(), nullable=True),
    sa.Column('tokens', sa.Double(), nullable=True),
    sa.Column('tokens_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('slowed_to', sa.Double(), nullable=True),
    sa.Column('slowed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('day_on', sa.Date(), nullable=True),
    sa.Column('day_used', sa.Integer(), nullable=False),
    sa.Column('breaker', sa.String(length=40), nullable=False),
    sa.Column('open_until_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('rest_seconds', sa.Integer(), nullable=False),
    sa.Column('probe_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('troubles', sa.JSON(), nullable=False),
    sa.Column('in_a_row', sa.Integer(), nullable=False),
    sa.Column('worked', sa.Integer(), nullable=False),
    sa.CheckConstraint("breaker != 'open' OR open_until_at IS NOT NULL", name=op.f('ck_transport_throttle_open')),
    sa.CheckConstraint("breaker IN ('closed', 'open', 'half-open')", name=op.f('ck_transport_throttle_breaker')),
    sa.CheckConstraint('(slowed_to IS NULL) = (slowed_at IS NULL)', name=op.f('ck_transport_throttle_slowed')),
    sa.CheckConstraint('(tokens IS NULL) = (tokens_at IS NULL)', name=op.f('ck_transport_throttle_tokens')),
    sa.CheckConstraint('burst > 0', name=op.f('ck_transport_throttle_burst')),
    sa.CheckConstraint('per_day > 0', name=op.f('ck_transport_throttle_per_day')),
    sa.CheckConstraint('per_second > 0', name=op.f('ck_transport_throttle_per_second')),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_transport_throttle'))
    )
    op.create_table('in_flight',
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('most', sa.Integer(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('most BETWEEN 1 AND 500', name=op.f('ck_in_flight_most')),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], name=op.f('fk_in_flight_by_id')),
    sa.PrimaryKeyConstraint('kind', name=op.f('pk_in_flight'))
    )
    op.create_table('letter_sheet',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('previous_id', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=True),
    sa.Column('until_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('letters', sa.Integer(), nullable=False),
    sa.Column('mailed', sa.Integer(), nullable=False),
    sa.Column('mailed_on', sa.Date(), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('mailed_on IS NULL OR closed_at IS NOT NULL', name=op.f('ck_letter_sheet_mailed')),
    sa.ForeignKeyConstraint(['closed_by_id'], ['person.id'], name=op.f('fk_letter_sheet_closed_by_id')),
    sa.ForeignKeyConstraint(['made_by_id'], ['person.id'], name=op.f('fk_letter_sheet_made_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_letter_sheet')),
    sa.UniqueConstraint('previous_id', name=op.f('uq_letter_sheet_previous_id'))
    )
    op.create_table('receipt_wait',
    sa.Column('transport', sa.String(length=20), nullable=False),
    sa.Column('hours', sa.Integer(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('hours BETWEEN 1 AND 720', name=op.f('ck_receipt_wait_hours')),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], name=op.f('fk_receipt_wait_by_id')),
    sa.PrimaryKeyConstraint('transport', name=op.f('pk_receipt_wait'))
    )
    op.create_table('transport_setting',
    sa.Column('name', sa.String(length=20), nullable=False),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.Column('revision', sa.String(length=16), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("name IN ('sendgrid', 'smtp', 'inbound')", name=op.f('ck_transport_setting_name')),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], name=op.f('fk_transport_setting_by_id')),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_transport_setting'))
    )
    op.create_table('unconfirmed_policy',
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('how', sa.String(length=40), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("how IN ('sent', 'again', 'wait')", name=op.f('ck_unconfirmed_policy_how')),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], name=op.f('fk_unconfirmed_policy_by_id')),
    sa.PrimaryKeyConstraint('kind', name=op.f('pk_unconfirmed_policy'))
    )
    op.create_table('letter_sheet_letter',
    sa.Column('sheet_id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_letter_sheet_letter_delivery_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['sheet_id'], ['letter_sheet.id'], name=op.f('fk_letter_sheet_letter_sheet_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('sheet_id', 'delivery_id', name=op.f('pk_letter_sheet_letter'))
    )
    with op.batch_alter_table('letter_sheet_letter', schema=None) as batch_op:
        batch_op.create_index('ix_letter_sheet_letter_delivery_id', ['delivery_id'], unique=False)

    # Rows that only say "this address has one already" carry no hash any more: the index names no state.
    op.drop_index('uq_delivery_address', table_name='delivery')
    op.drop_index('ix_delivery_provider_message_id', table_name='delivery')
    op.execute("UPDATE delivery SET address_hash = NULL WHERE state = 'duplicate-address'")
    with op.batch_alter_table('delivery', schema=None) as batch_op:
        batch_op.alter_column('details', existing_type=sa.JSON(), nullable=True)
        batch_op.drop_constraint(op.f('ck_delivery_audience_class'), type_='check')
        batch_op.drop_constraint(op.f('ck_delivery_sent'), type_='check')
        batch_op.drop_constraint(op.f('ck_delivery_state'), type_='check')
        batch_op.create_check_constraint(op.f('ck_delivery_audience_class'), "audience_class = 'provider' OR audience_class IN ('provider', 'organization', 'peer', 'client', 'staff')")
        batch_op.create_check_constraint(op.f('ck_delivery_sent'), "state = 'scheduled' OR NOT (state IN ('sent', 'delivered', 'bounced', 'complained')) OR sent_at IS NOT NULL")
        batch_op.create_check_constraint(op.f('ck_delivery_state'), "state = 'scheduled' OR state IN ('scheduled', 'claimed', 'sending', 'sent', 'delivered', 'bounced', 'complained', 'unconfirmed', 'resend-approved', 'abandoned', 'held', 'suppressed', 'expired', 'cancelled', 'failed', 'duplicate-address')")
        batch_op.create_check_constraint(op.f('ck_delivery_duplicate_address'), "state != 'duplicate-address' OR address_hash IS NULL")
    op.create_index(
        'uq_delivery_address', 'delivery', ['address_hash', 'source', 'source_id', 'step', 'occurrence'], unique=True
    )
    known = sa.text("provider_message_id IS NOT NULL")
    op.create_index(
        'ix_delivery_provider_message_id', 'delivery', ['provider_message_id'], sqlite_where=known, postgresql_where=known
    )
    paper = sa.text("transport = 'print'")
    op.create_index('ix_delivery_paper', 'delivery', ['state', 'id'], sqlite_where=paper, postgresql_where=paper)
    op.create_index('ix_organization_lower_name', 'organization', [sa.text('lower(name)')])
    with op.batch_alter_table('kept_secret', schema=None) as batch_op:
        batch_op.add_column(sa.Column('set_by_id', sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_kept_secret_set_by_id'), 'person', ['set_by_id'], ['id'])
    with op.batch_alter_table('transport_state', schema=None) as batch_op:
        batch_op.add_column(sa.Column('baa_for', sa.String(length=255), nullable=True))

    # Last, since rebuilding a table on SQLite loses its triggers.
    for statement in ARROWS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("Go back with the copy that was made before: outreach restore.")
