"""What lies behind addresses: recordings of files, archives and pages, and where their bytes are.

What was found once is remembered with the recordings, so that neither the network nor the archive
is needed again as long as the recordings are here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from rawtone import files
from rawtone.corpus import archives, entries, pages
from rawtone.corpus.downloads import Downloads
from rawtone.corpus.entries import LISTS, Entry, Lists
from rawtone.corpus.sources import shown, stored_name

Found = tuple[Entry, Path | None]


@dataclass(frozen=True)
class Store:
    """Where the bytes of recordings are.

    Attributes:
        folder: The recordings of the corpus; those of other corpora lie beside it.
        downloads: What came over the network.
    """

    folder: Path
    downloads: Downloads

    def place(self, entry: Entry) -> Path | None:
        """Return a file that has an entry's bytes; None where there is none on this machine."""
        name = stored_name(entry.sha256, entry.path)
        elsewhere = sorted(self.folder.parent.glob(f"*/{name}"))
        for path in (self.folder / name, *elsewhere, self.downloads.place(entry.sha256)):
            if path.is_file() and files.sha256(path) == entry.sha256:
                return path
        return None

    def remembered(self) -> Lists:
        """Return what was found so far, by this corpus and by others."""
        known: Lists = {}
        for path in (*sorted(self.folder.parent.glob(f"*/{LISTS}")), self.folder / LISTS):
            known |= entries.read(path)
        return known


def key(source: dict[str, Any]) -> str:
    """Return what decides what is found."""
    if "url" in source:
        return f"{source['url']} sha256 {source['sha256']}"
    return f"{source['page']} look {source['look']}"


def find(source: dict[str, Any], store: Store) -> list[Found]:
    """Find the recordings of a source that has an address, and bring what is not here.

    Args:
        source: Its settings: `url` and `sha256`, or `page` and `look`.
        store: Where bytes are, and go.

    Returns:
        Entries, each with the file that has its bytes, which all without a status have. The list
        is remembered.

    Raises:
        UserError: it cannot be had.
    """
    name = key(source)
    # A source of two corpora is found by one of them first.
    with store.downloads.locked(f"source-{pages.key(name)}"):
        listed = store.remembered().get(name)
        found = _with_places(listed, store) if listed is not None else None
        if found is None or any(entry.sha256 and not place for entry, place in found):
            find_anew = _find_url if "url" in source else _find_page
            found = _with_places(find_anew(source, store, listed), store)
        lists = entries.read(store.folder / LISTS)
        entries.write(store.folder / LISTS, lists | {name: [entry for entry, _ in found]})
    return found


def forget(store: Store, sources: Sequence[dict[str, Any]]) -> None:
    """Keep the lists of these sources alone."""
    path = store.folder / LISTS
    wanted = {key(source) for source in sources}
    kept = {name: found for name, found in entries.read(path).items() if name in wanted}
    if kept:
        entries.write(path, kept)
    else:
        path.unlink(missing_ok=True)


def _with_places(listed: Sequence[Entry], store: Store) -> list[Found]:
    return [(entry, store.place(entry) if entry.sha256 else None) for entry in listed]


def _find_url(source: dict[str, Any], store: Store, _: Sequence[Entry] | None) -> list[Entry]:
    url = source["url"]
    file = store.downloads.get(url, source["sha256"])
    if archives.is_archive(file):
        return archives.unpack(file, store.folder, url)
    name = PurePosixPath(unquote(urlsplit(url).path)).name or "recording"
    return [Entry(shown(name), file.stat().st_size, source["sha256"], url=url)]


def _find_page(source: dict[str, Any], store: Store, listed: Sequence[Entry] | None) -> list[Entry]:
    if listed is None:
        before = {entry.url: entry for entry in _earlier(source, store)}
        return pages.look(
            source["page"], store.downloads, before, lambda entry: store.place(entry) is not None
        )
    for entry in listed:
        if entry.sha256 and store.place(entry) is None:
            pages.bring(entry, store.downloads)
    return list(listed)


def _earlier(source: dict[str, Any], store: Store) -> list[Entry]:
    """Return what the latest look before found on a page."""
    known = store.remembered()
    for before in range(source["look"] - 1, 0, -1):
        if found := known.get(key(source | {"look": before})):
            return found
    return []
