"""The one form and the one name of a definition: what reviews, grants and approvals bind to."""

import hashlib

import rfc8785


def canonical(definition: object) -> bytes:
    """RFC 8785 over the whole definition, the document included. DEFINITION is the tree that parse_definition took."""
    return rfc8785.dumps(definition)  # type: ignore[arg-type]  # a tree of JSON, which its recursive type cannot tell


def manifest_hash(definition: object) -> str:
    """ "sha256:" and the digest of the canonical form in hexadecimal."""
    return "sha256:" + hashlib.sha256(canonical(definition)).hexdigest()
