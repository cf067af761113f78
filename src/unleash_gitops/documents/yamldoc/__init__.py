"""YAML text to plain data with a position for every path, and back. The only room that knows yaml."""

from unleash_gitops.documents.yamldoc.document import Document
from unleash_gitops.documents.yamldoc.dump import dump_document
from unleash_gitops.documents.yamldoc.edit import REMOVED, Edit, Unwritable, apply_edits
from unleash_gitops.documents.yamldoc.parse import parse_documents, read_documents
from unleash_gitops.documents.yamldoc.quoting import printable, quote, shorten
from unleash_gitops.documents.yamldoc.source import LARGEST_FILE, Source

__all__ = [
    "LARGEST_FILE",
    "REMOVED",
    "Document",
    "Edit",
    "Source",
    "Unwritable",
    "apply_edits",
    "dump_document",
    "parse_documents",
    "printable",
    "quote",
    "read_documents",
    "shorten",
]
