"""The status of each route for each kind of key."""

import re

# The columns, in this order:
#
# none        no key
# stranger    a user API key that another user's traces contain
# owner       a user API key that the owner's traces contain
# bound       an issued key for the owner with the default scopes, read and curate
# reader      an issued key for the owner with the scope `read`
# curator     an issued key for the owner with the scope `curate`
# deleter     an issued key for the owner with the scope `delete`
# other       an issued key for the other user with the scopes `read`, `curate` and `delete`
# unbound     an issued key for no user
# ingest      an issued key for the owner that may only post traces
# team        an issued key that may only read, but from all owners
# admin       an issued admin key
# configured  THUNDER_ADMIN_KEY
# expired     an expired admin key
# revoked     a revoked admin key
#
# {private}, {held} (on legal hold) and {public} are logs of the owner.
# {orphan} has no owner, so only admins may read it. {missing} does not exist.
# {collection} belongs to the owner, {admins} to the admins; {nowhere} does not exist. {shelf} is a link to a public
# collection, {fallen} a revoked link. {member} is a log in the preceding {shelf}.
# {group} is a group of the owner, {strange} one without an owner; {nobody} does not exist.
# {run} is a run of the activations page that belongs to the owner.
# {alert} belongs to the owner; {nowhen} does not exist.
# {calibrator} belongs to the owner, {general} to the admins; {absent} does not exist.
# {comment} is a comment on the preceding request. {link} opens a public log; {dead} is a revoked link. {key} is the id
# of another key. For a WebSocket, 101 means that it stays open, and 1000 that it is closed and must not be retried.
TABLE = """
                                       none stra owne boun read cura dele othe unbo inge team admi conf expi revo
GET    /health                         200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
GET    /healthz                        200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
GET    /livez                          200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
GET    /openapi.json                   200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
GET    /docs                           200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
GET    /llms.txt                       200  200  200  200  200  200  200  200  200  200  200  200  200  200  200

GET    /                               200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
GET    /view/{private}                 200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
GET    /compare                        200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
GET    /overview                       200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
GET    /score                          200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
GET    /keys                           200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
GET    /sign-in                        200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
GET    /collection                     200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
GET    /collection/{collection}        200  200  200  200  200  200  200  200  200  200  200  200  200  200  200

GET    /metrics                        401  403  403  403  403  403  403  403  403  403  403  200  200  401  401

GET    /auth/validate                  401  200  200  200  200  200  200  200  200  200  200  200  200  401  401
GET    /auth/me                        401  200  200  200  200  200  200  200  200  200  200  200  200  401  401
POST   /auth/sign-in                   403  403  403  403  403  403  403  403  403  403  403  403  403  403  403
POST   /auth/sign-out                  401  401  401  401  401  401  401  401  401  401  401  401  401  401  401
POST   /auth/bootstrap                 403  403  403  403  403  403  403  403  403  403  403  403  403  403  403
GET    /auth/keys                      401  403  403  403  403  403  403  403  403  403  403  200  200  401  401
POST   /auth/keys                      401  403  403  403  403  403  403  403  403  403  403  200  200  401  401
PUT    /auth/keys                      401  403  403  403  403  403  403  403  403  403  403  200  200  401  401
DELETE /auth/keys                      401  403  403  403  403  403  403  403  403  403  403  200  200  401  401
POST   /auth/keys/{key}/rotate         401  403  403  403  403  403  403  403  403  403  403  200  200  401  401

POST   /playground/api-key             403  403  403  403  403  403  403  403  403  403  403  403  403  403  403
POST   /playground/mods/generate       401  200  200  200  200  200  200  200  200  200  200  200  200  401  401
POST   /playground/mods/upload         401  503  503  403  403  403  403  403  403  403  403  403  403  401  401
POST   /playground/inference           401  503  503  403  403  403  403  403  403  403  403  403  403  401  401
POST   /playground/features/extract    401  503  503  403  403  403  403  403  403  403  403  403  403  401  401
POST   /playground/features/analyze    401  503  503  403  403  403  403  403  403  403  403  403  403  401  401

POST   /v1/ingest                      401  403  403  403  403  403  403  403  403  201  403  201  201  401  401
POST   /v1/traces                      401  403  403  403  403  403  403  403  403  200  403  200  200  401  401
POST   /v1/score/log                   401  200  200  200  200  200  200  200  200  200  200  200  200  401  401
POST   /v1/score                       401  200  200  200  200  200  200  200  200  200  200  200  200  401  401

GET    /logs                           401  200  200  200  200  403  403  200  200  403  200  200  200  401  401
GET    /v1/facets                      401  200  200  200  200  403  403  200  200  403  200  200  200  401  401
GET    /logs/api-keys                  401  200  200  200  200  403  403  200  200  403  200  200  200  401  401
GET    /logs/stream                    401  200  200  200  200  403  403  200  200  403  200  200  200  401  401
WEBSOCKET /logs/stream                 1000 101  101  101  101  1000 1000 101  101  1000 101  101  101  1000 1000
GET    /logs/{private}                 401  404  200  200  200  403  403  404  404  403  200  200  200  401  401
GET    /logs/{public}                  200  200  200  200  200  403  403  200  200  403  200  200  200  401  401
GET    /logs/{orphan}                  401  404  404  404  404  403  403  404  404  403  200  200  200  401  401
GET    /logs/{missing}                 401  404  404  404  404  403  403  404  404  403  404  404  404  401  401
GET    /logs/{private}/trace           401  404  200  200  200  403  403  404  404  403  200  200  200  401  401
GET    /logs/{public}/trace            401  404  200  200  200  403  403  404  404  403  200  200  200  401  401
GET    /logs/{orphan}/trace            401  404  404  404  404  403  403  404  404  403  200  200  200  401  401
GET    /logs/{missing}/trace           401  404  404  404  404  403  403  404  404  403  404  404  404  401  401

DELETE /logs/{private}                 401  404  200  403  403  403  200  404  403  403  403  200  200  401  401
DELETE /logs/{public}                  401  404  200  403  403  403  200  404  403  403  403  200  200  401  401
DELETE /logs/{orphan}                  401  404  404  403  403  403  404  404  403  403  403  200  200  401  401
DELETE /logs/{missing}                 401  404  404  403  403  403  404  404  403  403  403  404  404  401  401
GET    /v1/deletions                   401  403  403  403  403  403  403  403  403  403  403  200  200  401  401
GET    /v1/holds                       401  403  403  403  403  403  403  403  403  403  403  200  200  401  401
PUT    /logs/{private}/hold            401  403  403  403  403  403  403  403  403  403  403  200  200  401  401
PUT    /logs/{missing}/hold            401  403  403  403  403  403  403  403  403  403  403  404  404  401  401
DELETE /logs/{held}/hold               401  403  403  403  403  403  403  403  403  403  403  200  200  401  401
DELETE /logs/{private}/hold            401  403  403  403  403  403  403  403  403  403  403  404  404  401  401
DELETE /logs/{missing}/hold            401  403  403  403  403  403  403  403  403  403  403  404  404  401  401
GET    /v1/audit                       401  403  403  403  403  403  403  403  403  403  403  200  200  401  401

GET    /logs/{private}/outcome         401  404  200  200  200  403  403  404  404  403  200  200  200  401  401
GET    /logs/{public}/outcome          401  404  200  200  200  403  403  404  404  403  200  200  200  401  401
GET    /logs/{missing}/outcome         401  404  404  404  404  403  403  404  404  403  404  404  404  401  401
POST   /logs/{private}/outcome         401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
POST   /logs/{public}/outcome          401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
POST   /logs/{orphan}/outcome          401  404  404  404  403  404  403  404  404  403  403  200  200  401  401
POST   /logs/{missing}/outcome         401  404  404  404  403  404  403  404  404  403  403  404  404  401  401

GET    /logs/{private}/tags            401  404  200  200  200  403  403  404  404  403  200  200  200  401  401
GET    /logs/{public}/tags             200  200  200  200  200  403  403  200  200  403  200  200  200  401  401
GET    /logs/{orphan}/tags             401  404  404  404  404  403  403  404  404  403  200  200  200  401  401
GET    /logs/{missing}/tags            401  404  404  404  404  403  403  404  404  403  404  404  404  401  401
POST   /logs/{private}/tags            401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
POST   /logs/{public}/tags             401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
POST   /logs/{orphan}/tags             401  404  404  404  403  404  403  404  404  403  403  200  200  401  401
POST   /logs/{missing}/tags            401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
DELETE /logs/{private}/tags            401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
DELETE /logs/{public}/tags             401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
DELETE /logs/{orphan}/tags             401  404  404  404  403  404  403  404  404  403  403  200  200  401  401
DELETE /logs/{missing}/tags            401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
GET    /logs/{private}/favorite        401  404  200  200  200  403  403  404  404  403  200  200  200  401  401
GET    /logs/{public}/favorite         200  200  200  200  200  403  403  200  200  403  200  200  200  401  401
GET    /logs/{orphan}/favorite         401  404  404  404  404  403  403  404  404  403  200  200  200  401  401
GET    /logs/{missing}/favorite        401  404  404  404  404  403  403  404  404  403  404  404  404  401  401
POST   /logs/{private}/favorite        401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
POST   /logs/{public}/favorite         401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
POST   /logs/{orphan}/favorite         401  404  404  404  403  404  403  404  404  403  403  200  200  401  401
POST   /logs/{missing}/favorite        401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
DELETE /logs/{private}/favorite        401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
DELETE /logs/{public}/favorite         401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
DELETE /logs/{orphan}/favorite         401  404  404  404  403  404  403  404  404  403  403  200  200  401  401
DELETE /logs/{missing}/favorite        401  404  404  404  403  404  403  404  404  403  403  404  404  401  401

GET    /logs/{private}/discussions     401  404  200  200  200  403  403  404  404  403  200  200  200  401  401
GET    /logs/{public}/discussions      200  200  200  200  200  403  403  200  200  403  200  200  200  401  401
GET    /logs/{orphan}/discussions      401  404  404  404  404  403  403  404  404  403  200  200  200  401  401
GET    /logs/{missing}/discussions     401  404  404  404  404  403  403  404  404  403  404  404  404  401  401
POST   /logs/{private}/discussions     401  404  201  201  403  201  403  404  404  403  403  201  201  401  401
POST   /logs/{public}/discussions      401  404  201  201  403  201  403  404  404  403  403  201  201  401  401
POST   /logs/{orphan}/discussions      401  404  404  404  403  404  403  404  404  403  403  201  201  401  401
POST   /logs/{missing}/discussions     401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
GET    /logs/{private}/discussions/{comment} 401 404 200 200 200 403 403 404 404 403 200 200 200 401 401
GET    /logs/{public}/discussions/{comment} 404 404 200 200 200 403 403 404 404 403 200 200 200 401 401
GET    /logs/{orphan}/discussions/{comment} 401 404 404 404 404 403 403 404 404 403 200 200 200 401 401
GET    /logs/{missing}/discussions/{comment} 401 404 404 404 404 403 403 404 404 403 404 404 404 401 401
PUT    /logs/{private}/discussions/{comment} 401 404 200 200 403 200 403 404 404 403 403 200 200 401 401
PUT    /logs/{public}/discussions/{comment} 401 404 200 200 403 200 403 404 404 403 403 200 200 401 401
PUT    /logs/{orphan}/discussions/{comment} 401 404 404 404 403 404 403 404 404 403 403 200 200 401 401
PUT    /logs/{missing}/discussions/{comment} 401 404 404 404 403 404 403 404 404 403 403 404 404 401 401
DELETE /logs/{private}/discussions/{comment} 401 404 200 200 403 200 403 404 404 403 403 200 200 401 401
DELETE /logs/{public}/discussions/{comment} 401 404 200 200 403 200 403 404 404 403 403 200 200 401 401
DELETE /logs/{orphan}/discussions/{comment} 401 404 404 404 403 404 403 404 404 403 403 200 200 401 401
DELETE /logs/{missing}/discussions/{comment} 401 404 404 404 403 404 403 404 404 403 403 404 404 401 401

POST   /logs/{private}/public          401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
POST   /logs/{public}/public           401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
POST   /logs/{orphan}/public           401  404  404  404  403  404  403  404  404  403  403  200  200  401  401
POST   /logs/{missing}/public          401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
DELETE /logs/{private}/public          401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
DELETE /logs/{public}/public           401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
DELETE /logs/{orphan}/public           401  404  404  404  403  404  403  404  404  403  403  200  200  401  401
DELETE /logs/{missing}/public          401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
GET    /share/request/{link}           200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
GET    /share/request/{dead}           404  404  404  404  404  404  404  404  404  404  404  404  404  404  404
GET    /share/request/{link}/og-image.png 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
GET    /share/request/{dead}/og-image.png 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
GET    /playground                     404  404  404  404  404  404  404  404  404  404  404  404  404  404  404
GET    /playground/og-image.png        200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
POST   /playground/activations/run     401  503  503  503  403  503  403  503  403  403  403  503  503  401  401
POST   /playground/activations/extract 401  503  503  503  403  503  403  503  503  403  403  503  503  401  401
GET    /playground/activations/runs    401  200  200  200  200  403  403  200  200  403  200  200  200  401  401
GET    /playground/activations/health  401  200  200  200  200  403  403  200  200  403  200  200  200  401  401
GET    /playground/activations/{run}/summary 401 404 200 200 200 403 403 404 404 403 200 200 200 401 401
GET    /playground/activations/{missing}/summary 401 404 404 404 404 403 403 404 404 403 404 404 404 401 401
GET    /playground/activations/{run}/rows 401 404 200 200 200 403 403 404 404 403 200 200 200 401 401
GET    /playground/activations/{missing}/rows 401 404 404 404 404 403 403 404 404 403 404 404 404 401 401
GET    /playground/activations/{run}/top-features 401 404 200 200 200 403 403 404 404 403 200 200 200 401 401
GET    /playground/activations/{missing}/top-features 401 404 404 404 404 403 403 404 404 403 404 404 404 401 401
GET    /playground/activations/{run}/feature-deltas?feature_id=1 401 404 200 200 200 403 403 404 404 403 200 200 200 401 401
GET    /playground/activations/{missing}/feature-deltas?feature_id=1 401 404 404 404 404 403 403 404 404 403 404 404 404 401 401
GET    /playground/activations/{run}/features-by-confidence 401 404 200 200 200 403 403 404 404 403 200 200 200 401 401
GET    /playground/activations/{missing}/features-by-confidence 401 404 404 404 404 403 403 404 404 403 404 404 404 401 401

GET    /share/{shelf}                  200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
GET    /share/{fallen}                 404  404  404  404  404  404  404  404  404  404  404  404  404  404  404
GET    /share/{shelf}/request/{member} 200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
GET    /share/{shelf}/request/{private} 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404

GET    /collections                    401  200  200  200  200  403  403  200  200  403  200  200  200  401  401
POST   /collections                    401  201  201  201  403  201  403  201  403  403  403  201  201  401  401
GET    /collections/{collection}       401  404  200  200  200  403  403  404  404  403  200  200  200  401  401
GET    /collections/{admins}           401  404  404  404  404  403  403  404  404  403  200  200  200  401  401
GET    /collections/{nowhere}          401  404  404  404  404  403  403  404  404  403  404  404  404  401  401
PUT    /collections/{collection}       401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
PUT    /collections/{admins}           401  404  404  404  403  404  403  404  404  403  403  200  200  401  401
PUT    /collections/{nowhere}          401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
DELETE /collections/{collection}       401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
DELETE /collections/{admins}           401  404  404  404  403  404  403  404  404  403  403  200  200  401  401
DELETE /collections/{nowhere}          401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
POST   /collections/{collection}/requests 401 404 200 200 403 200 403 404 404 403 403 200 200 401 401
POST   /collections/{admins}/requests  401  404  404  404  403  404  403  404  404  403  403  200  200  401  401
POST   /collections/{nowhere}/requests 401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
PUT    /collections/{collection}/requests 401 404 200 200 403 200 403 404 404 403 403 200 200 401 401
PUT    /collections/{admins}/requests  401  404  404  404  403  404  403  404  404  403  403  200  200  401  401
PUT    /collections/{nowhere}/requests 401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
DELETE /collections/{collection}/requests 401 404 200 200 403 200 403 404 404 403 403 200 200 401 401
DELETE /collections/{admins}/requests  401  404  404  404  403  404  403  404  404  403  403  200  200  401  401
DELETE /collections/{nowhere}/requests 401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
POST   /collections/{collection}/public 401 404 200 200 403 200 403 404 404 403 403 200 200 401 401
POST   /collections/{admins}/public    401  404  404  404  403  404  403  404  404  403  403  200  200  401  401
POST   /collections/{nowhere}/public   401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
DELETE /collections/{collection}/public 401 404 200 200 403 200 403 404 404 403 403 200 200 401 401
DELETE /collections/{admins}/public    401  404  404  404  403  404  403  404  404  403  403  200  200  401  401
DELETE /collections/{nowhere}/public   401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
GET    /logs/{private}/collections     401  404  200  200  200  403  403  404  404  403  200  200  200  401  401
GET    /logs/{public}/collections      200  200  200  200  200  403  403  200  200  403  200  200  200  401  401
GET    /logs/{orphan}/collections      401  404  404  404  404  403  403  404  404  403  200  200  200  401  401
GET    /logs/{missing}/collections     401  404  404  404  404  403  403  404  404  403  404  404  404  401  401
POST   /logs/{private}/collections     401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
POST   /logs/{public}/collections      401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
POST   /logs/{orphan}/collections      401  404  404  404  403  404  403  404  404  403  403  409  409  401  401
POST   /logs/{missing}/collections     401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
DELETE /logs/{private}/collections     401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
DELETE /logs/{public}/collections      401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
DELETE /logs/{orphan}/collections      401  404  404  404  403  404  403  404  404  403  403  200  200  401  401
DELETE /logs/{missing}/collections     401  404  404  404  403  404  403  404  404  403  403  404  404  401  401

GET    /v1/confidence/summary          401  200  200  200  200  403  403  200  200  403  200  200  200  401  401
GET    /v1/confidence/drift            401  200  200  200  200  403  403  200  200  403  200  200  200  401  401
GET    /v1/confidence/changes          401  200  200  200  200  403  403  200  200  403  200  200  200  401  401
GET    /v1/confidence/calibration      401  200  200  200  200  403  403  200  200  403  200  200  200  401  401
GET    /v1/confidence/risk-coverage    401  200  200  200  200  403  403  200  200  403  200  200  200  401  401
GET    /v1/confidence/threshold        401  200  200  200  200  403  403  200  200  403  200  200  200  401  401
GET    /v1/confidence/{private}        401  404  200  200  200  403  403  404  404  403  200  200  200  401  401
GET    /v1/confidence/{public}         401  404  200  200  200  403  403  404  404  403  200  200  200  401  401
GET    /v1/confidence/{orphan}         401  404  404  404  404  403  403  404  404  403  200  200  200  401  401
GET    /v1/confidence/{missing}        401  404  404  404  404  403  403  404  404  403  404  404  404  401  401
GET    /v1/confidence/{private}/peers  401  404  200  200  200  403  403  404  404  403  200  200  200  401  401
GET    /v1/confidence/{public}/peers   401  404  200  200  200  403  403  404  404  403  200  200  200  401  401
GET    /v1/confidence/{orphan}/peers   401  404  404  404  404  403  403  404  404  403  200  200  200  401  401
GET    /v1/confidence/{missing}/peers  401  404  404  404  404  403  403  404  404  403  404  404  404  401  401
GET    /v1/confidence/{private}/alternatives 401 404 200 200 200 403 403 404 404 403 200 200 200 401 401
GET    /v1/confidence/{public}/alternatives 401 404 200 200 200 403 403 404 404 403 200 200 200 401 401
GET    /v1/confidence/{orphan}/alternatives 401 404 404 404 404 403 403 404 404 403 200 200 200 401 401
GET    /v1/confidence/{missing}/alternatives 401 404 404 404 404 403 403 404 404 403 404 404 404 401 401
GET    /v1/confidence/{private}/spans  401  404  200  200  200  403  403  404  404  403  200  200  200  401  401
GET    /v1/confidence/{orphan}/spans   401  404  404  404  404  403  403  404  404  403  200  200  200  401  401
GET    /v1/confidence/{missing}/spans  401  404  404  404  404  403  403  404  404  403  404  404  404  401  401
GET    /v1/confidence/groups/{group}   401  404  200  200  200  403  403  404  404  403  200  200  200  401  401
GET    /v1/confidence/groups/{strange} 401  404  404  404  404  403  403  404  404  403  200  200  200  401  401
GET    /v1/confidence/groups/{nobody}  401  404  404  404  404  403  403  404  404  403  404  404  404  401  401
GET    /v1/calibrators                 401  200  200  200  200  403  403  200  200  403  200  200  200  401  401
POST   /v1/calibrators                 401  409  409  409  403  409  403  409  403  403  403  409  409  401  401
PATCH  /v1/calibrators/{calibrator}    401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
PATCH  /v1/calibrators/{general}       401  404  404  404  403  404  403  404  404  403  403  200  200  401  401
PATCH  /v1/calibrators/{absent}        401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
DELETE /v1/calibrators/{calibrator}    401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
DELETE /v1/calibrators/{general}       401  404  404  404  403  404  403  404  404  403  403  200  200  401  401
DELETE /v1/calibrators/{absent}        401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
GET    /v1/mods                        401  200  200  200  200  403  403  200  200  403  200  200  200  401  401

GET    /v1/alerts                      401  200  200  200  200  403  403  200  200  403  200  200  200  401  401
POST   /v1/alerts                      401  201  201  201  403  201  403  201  403  403  403  201  201  401  401
GET    /v1/alerts/feed                 401  200  200  200  200  403  403  200  200  403  200  200  200  401  401
GET    /v1/alerts/{alert}              401  404  200  200  200  403  403  404  404  403  200  200  200  401  401
GET    /v1/alerts/{nowhen}             401  404  404  404  404  403  403  404  404  403  404  404  404  401  401
PATCH  /v1/alerts/{alert}              401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
PATCH  /v1/alerts/{nowhen}             401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
DELETE /v1/alerts/{alert}              401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
DELETE /v1/alerts/{nowhen}             401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
POST   /v1/alerts/{alert}/test         401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
POST   /v1/alerts/{nowhen}/test        401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
POST   /v1/alerts/{alert}/rotate       401  404  200  200  403  200  403  404  404  403  403  200  200  401  401
POST   /v1/alerts/{nowhen}/rotate      401  404  404  404  403  404  403  404  404  403  403  404  404  401  401
"""  # noqa: E501 - one line per route
COLUMNS, *ROWS = [line.split() for line in TABLE.splitlines() if line.strip()]
PARAMETERS = {
    **dict.fromkeys(("private", "public", "orphan", "missing", "held", "run"), "request_id"),
    **dict.fromkeys(("link", "dead"), "token"),
    **dict.fromkeys(("collection", "admins", "nowhere"), "collection_id"),
    **dict.fromkeys(("shelf", "fallen"), "token"),
    **dict.fromkeys(("group", "strange", "nobody"), "group_id"),
    **dict.fromkeys(("alert", "nowhen"), "alert_id"),
    "member": "request_id",
    "comment": "discussion_id",
    **dict.fromkeys(("calibrator", "general", "absent"), "calibrator_id"),
    "key": "key_id",
}


def name_route(method: str, path: str) -> str:
    """Return a row's route with the parameter names of the application."""
    named = re.sub(r"{(.*?)}", lambda found: f"{{{PARAMETERS[found[1]]}}}", path.partition("?")[0])
    return f"{method} {named}"
