def load_definitions(*, project: str) -> list[dict[str, object]]:
    return []
