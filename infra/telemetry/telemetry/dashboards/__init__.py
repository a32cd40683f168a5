"""The dashboards of the platform."""

from telemetry.boards import Board
from telemetry.dashboards import access, devices, passages, platform

BOARDS: tuple[Board, ...] = (platform.BOARD, passages.BOARD, devices.BOARD, access.BOARD)
