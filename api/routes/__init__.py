"""The routes, one module a subject; each has a `router`. `api.app` says in which order they are asked."""
