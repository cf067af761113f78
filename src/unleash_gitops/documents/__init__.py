"""YAML files to desired state: positions, checks, JSON Schema, references."""
