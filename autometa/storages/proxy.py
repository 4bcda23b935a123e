"""Optuna's gRPC storage proxy, reached by its address."""

from __future__ import annotations

import warnings

import optuna
from optuna.storages import BaseStorage

from autometa.errors import StoreError

ANSWER = 10.0  # seconds to wait for it


def open_proxy(host: str, port: int) -> BaseStorage:
    """The storage behind a proxy.

    Raises:
        ImportError: the driver is not installed.
        StoreError: nobody answers.
    """
    with warnings.catch_warnings():  # public, and marked as experimental
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        proxy = optuna.storages.GrpcStorageProxy(host=host, port=port)
    try:
        proxy.wait_server_ready(timeout=ANSWER)
    except ConnectionError:
        raise StoreError(
            f"no storage proxy answers at {host}:{port} within {ANSWER:.0f} s",
            allowed="one that runs, by optuna.storages.run_grpc_proxy_server",
        ) from None
    return proxy
