"""The chaos suite: real workers over a witness provider, killed, frozen, cut off and audited from outside."""
