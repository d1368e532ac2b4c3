"""Encoded pictures of a Parquet folder by image id, a few row groups in memory at a time."""

from collections import OrderedDict
from pathlib import Path
from threading import Lock

from rms.errors import RmsError
from rms.store import open_shard

_GROUPS_IN_MEMORY = 4


class Pictures:
    """Looks up the `image` column by `image_id`, from any thread; cheap when asked in the order of `position`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._places: dict[str, tuple[Path, int, int]] = {}
        self._positions: dict[str, int] = {}
        self._groups: OrderedDict[tuple[Path, int], list[bytes]] = OrderedDict()
        for shard in sorted(folder.glob("*.parquet")):
            with open_shard(shard) as table:
                for group in range(table.num_row_groups):
                    ids = table.read_row_group(group, columns=["image_id"]).column(0).to_pylist()
                    for row, image_id in enumerate(ids):
                        self._places.setdefault(image_id, (shard, group, row))
        self._positions = {image_id: position for position, image_id in enumerate(self._places)}

    def position(self, image_id: str) -> int:
        """Where the picture is stored: ascending positions read the folder front to back."""
        try:
            return self._positions[image_id]
        except KeyError:
            raise RmsError(f"{self._folder}: image {image_id} is missing; rerun the stage that wrote it") from None

    def __getitem__(self, image_id: str) -> bytes:
        self.position(image_id)
        shard, group, row = self._places[image_id]
        key = (shard, group)
        with self._lock:
            if key not in self._groups:
                with open_shard(shard) as table:
                    column = table.read_row_group(group, columns=["image"]).column(0)
                self._groups[key] = [picture["bytes"] for picture in column.to_pylist()]
                if len(self._groups) > _GROUPS_IN_MEMORY:
                    self._groups.popitem(last=False)
            self._groups.move_to_end(key)
            return self._groups[key][row]
