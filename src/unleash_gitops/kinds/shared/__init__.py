"""What several kinds share: models, constraints, named objects, audited objects."""
