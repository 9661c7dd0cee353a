"""The OpenAPI document of all endpoints, which takes half a second to build."""

from functions.api import web

DOCUMENT = web().openapi()
