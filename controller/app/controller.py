"""The composition root: every part built once, their tasks under one TaskGroup, ended in order.

The manager decides the length of it all: when it has shut the plugins down, the rest is cancelled.
"""

import asyncio
import os
import socket
import time
from importlib.metadata import version

from controller.adapters.lookup import adapter
from controller.app.directories import Directories
from controller.app.post_mortem import PostMortem
from controller.app.sampling import Sampling
from controller.app.status_writer import StatusWriter
from controller.app.views import AppViews
from controller.config import CurrentConfig
from controller.core.events import ConfigRead, Event, ShutdownRequested
from controller.core.model import Digest, State
from controller.core.step import Step
from controller.goplugin import HealthTicker
from controller.http import Control, Peers, Probes, serve
from controller.local import ConfigFile, StatusFile
from controller.manager.announce import announce
from controller.manager.history import Entry, History
from controller.manager.journal import Journal
from controller.manager.manager import Manager
from controller.manager.memory import MemoryWatch
from controller.manager.status import Identity
from controller.manager.supervisor import Site
from controller.manager.watches import Watches
from controller.manager.workplace import Places
from controller.metrics import PluginManagerMetrics
from controller.settings import Settings
from controller.volume import Scanner, Store, VolumeWatch
