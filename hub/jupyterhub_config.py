"""JupyterHub for a class of sixty: docs/hub.md explains each part. Load it from your own configuration, which adds how
people log in and where their servers run:

    load_subconfig("/srv/wslab/jupyterhub_config.py")
    c.JupyterHub.authenticator_class = …
    c.JupyterHub.spawner_class = "dockerspawner.DockerSpawner"
"""

import importlib.util
import os
import sys

c = get_config()

# What is handed out: a zip that `wslab release` has written. Renew the file in mid-term, and whoever starts a server
# next has the new one, beside what they wrote.
RELEASE = os.environ.get("WSLAB_RELEASE", "/srv/wslab/course.zip")
START = 'wslab take "$WSLAB_RELEASE" "$HOME/websocket-lab"; exec jupyterhub-singleuser "$@"'

c.Spawner.cmd = ["/bin/sh", "-c", START, "start"]
c.Spawner.default_url = "/lab/tree/websocket-lab"
c.Spawner.environment = {"WSLAB_RELEASE": RELEASE, "WSLAB_LANG": os.environ.get("WSLAB_LANG", "en")}
c.Spawner.args = [
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    # A kernel takes 100 to 135 MB; one that nobody uses ends, its notebook stays open.
    "--MappingKernelManager.cull_idle_timeout=1800",
    "--MappingKernelManager.cull_interval=300",
]
c.Spawner.start_timeout = 120
c.Spawner.http_timeout = 120

# Held by spawners that can: Docker, Kubernetes, systemd. The simple local one can't.
c.Spawner.mem_limit = "1G"
c.Spawner.mem_guarantee = "384M"
c.Spawner.cpu_limit = 1.0

c.JupyterHub.concurrent_spawn_limit = 20  # a class that comes in at once
c.JupyterHub.active_server_limit = 80

# Servers of people who have gone home end after an hour; what they wrote is in their homes.
if importlib.util.find_spec("jupyterhub_idle_culler"):
    c.JupyterHub.services = [
        {"name": "culler", "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=3600"]}
    ]
    c.JupyterHub.load_roles = [
        {
            "name": "culler",
            "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
            "services": ["culler"],
        }
    ]
