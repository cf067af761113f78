"""Read YAML text as plain data with a position for every path, and write it. Only this folder imports yaml."""

from unleash_gitops.documents.yamldoc.document import Document
from unleash_gitops.documents.yamldoc.dump import dump_document, dump_scalar
from unleash_gitops.documents.yamldoc.edit import Edit, apply_edits
from unleash_gitops.documents.yamldoc.edit_document import REMOVED
from unleash_gitops.documents.yamldoc.node_text import EditError
from unleash_gitops.documents.yamldoc.parse import parse_documents, read_documents
from unleash_gitops.documents.yamldoc.quoting import escape_unprintable, quote, shorten
from unleash_gitops.documents.yamldoc.source import MAX_FILE_SIZE, Source

__all__ = [
    "MAX_FILE_SIZE",
    "REMOVED",
    "Document",
    "Edit",
    "EditError",
    "Source",
    "apply_edits",
    "dump_document",
    "dump_scalar",
    "escape_unprintable",
    "parse_documents",
    "quote",
    "read_documents",
    "shorten",
]
