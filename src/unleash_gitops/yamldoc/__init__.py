"""YAML text to plain data with a position for every path, and back. The only room that knows yaml."""

from unleash_gitops.yamldoc.document import Document
from unleash_gitops.yamldoc.dump import dump_document
from unleash_gitops.yamldoc.edit import GONE, Edit, Unwritable, edited
from unleash_gitops.yamldoc.parse import parse_documents, read_documents
from unleash_gitops.yamldoc.source import LARGEST_FILE, Source
from unleash_gitops.yamldoc.words import printable, shortened, shown

__all__ = [
    "GONE",
    "LARGEST_FILE",
    "Document",
    "Edit",
    "Source",
    "Unwritable",
    "dump_document",
    "edited",
    "parse_documents",
    "printable",
    "read_documents",
    "shortened",
    "shown",
]
