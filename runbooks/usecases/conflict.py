"""What several verbs raise when the world is not as the caller thought."""


class Conflict(Exception):
    """The thing has changed, or is not in the state that this needs. `code` is stable, the text is for people."""

    def __init__(self, detail: str, *, code: str = "conflict") -> None:
        super().__init__(detail)
        self.code = code


class Taken(Conflict):
    """Another run has what this one needs: which one, for those who want to look at it."""

    def __init__(self, detail: str, *, code: str, run_id: str) -> None:
        super().__init__(detail, code=code)
        self.run_id = run_id


class Stale(Conflict):
    """Somebody changed it since it was read: read it again, then change it."""

    def __init__(self) -> None:
        super().__init__("Somebody changed this since you read it: read it again, then change it.", code="stale")
