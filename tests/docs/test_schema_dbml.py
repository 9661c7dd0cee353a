"""docs/schema.dbml agrees with the Postgres catalog in each fact."""

import re
from collections.abc import Iterator

import psycopg

from tests.support.environment import ROOT

TEXT = r"'(?:[^'\\]|\\.)*'"
TABLE = re.compile(r"^Table (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
COLUMN = re.compile(r'^  (\w+) (?:"([^"]+)"|(\w+))(?: \[(.*)\])?$', re.MULTILINE)
SETTING = re.compile(rf"(pk|increment|unique|not null)|(default): `([^`]*)`|(note|name): ({TEXT})")
INDEX = re.compile(r"^    (?:\((.*)\)|(\w+)) \[(.*)\]$", re.MULTILINE)
NOTE = re.compile(rf"^  Note: ({TEXT})$", re.MULTILINE)
REF = re.compile(r"^Ref: (\w+)\.(\w+) ([->]) (\w+)\.(\w+)(?: \[delete: (\w+)\])?$", re.MULTILINE)

CATALOGUE = """
select format('%s.%s is %s%s', c.oid::regclass, a.attname,
    replace(format_type(a.atttypid, null), 'timestamp with time zone', 'timestamptz'),
    case when a.attnotnull then ' not null' end)
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
union all
select format('%s.%s is an identity', attrelid::regclass, attname)
from pg_attribute where attidentity = 'a'
union all
select format('%s.%s defaults to %s', adrelid::regclass, attname, pg_get_expr(adbin, adrelid))
from pg_attrdef join pg_attribute on attrelid = adrelid and attnum = adnum
where adrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)
union all
select case when i.indisprimary then format('%s has the key (%s)', i.indrelid::regclass, parts.list)
    when i.indisunique then format('%s has unique (%s)', i.indrelid::regclass, parts.list)
    else format('%s has the index %s (%s)', i.indrelid::regclass, i.indexrelid::regclass, parts.list) end
from pg_index i join pg_class c on c.oid = i.indexrelid and c.relnamespace = 'public'::regnamespace,
    lateral (select string_agg(pg_get_indexdef(i.indexrelid, n, true)
        || case when i.indoption[n - 1] & 1 = 1 then ' desc' else '' end, ', ' order by n) as list
        from generate_series(1, i.indnkeyatts) as n) as parts
union all
select format('%s.%s refers to %s.%s, %s', k.conrelid::regclass, a.attname, k.confrelid::regclass, b.attname,
    case k.confdeltype when 'c' then 'cascade' else 'no action' end)
from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
    join pg_attribute b on b.attrelid = k.confrelid and b.attnum = any (k.confkey)
where k.contype = 'f'
union all
select format('%s%s: %s', d.objoid::regclass, '.' || a.attname, d.description)
from pg_description d join pg_class c on c.oid = d.objoid and c.relkind = 'r'
    left join pg_attribute a on a.attrelid = d.objoid and a.attnum = d.objsubid and d.objsubid > 0
where d.classoid = 'pg_class'::regclass and c.relnamespace = 'public'::regnamespace
"""


def test_the_diagram_equals_the_schema(sql: psycopg.Connection) -> None:
    live = {fact for (fact,) in sql.execute(CATALOGUE)}
    drawn = set(read_dbml((ROOT / "docs" / "schema.dbml").read_text(encoding="utf-8")))
    missing = sorted(live - drawn)
    # Where the schema has no comment, the diagram may have a note.
    wrong = sorted(fact for fact in drawn - live if ": " not in fact or any(is_note_on_same(fact, one) for one in live))
    assert not missing, "docs/schema.dbml lacks:\n" + "\n".join(missing)
    assert not wrong, "docs/schema.dbml says, and the schema does not:\n" + "\n".join(wrong)


def is_note_on_same(fact: str, other: str) -> bool:
    return other.startswith(fact.partition(": ")[0] + ": ")


def read_dbml(text: str) -> Iterator[str]:
    for table, body in TABLE.findall(text):
        columns, _, indexes = body.partition("  indexes {\n")
        for note in NOTE.findall(body):
            yield f"{table}: {unquote(note)}"
        for name, quoted, plain, settings in COLUMN.findall(columns):
            yield from read_column(table, name, quoted or plain, settings)
        for several, one, settings in INDEX.findall(indexes):
            kinds, values = read_settings(settings)
            what = "the key" if "pk" in kinds else "unique" if "unique" in kinds else f"the index {values['name']}"
            yield f"{table} has {what} ({(several or one).replace('`', '')})"
            for part in re.findall(r"\w+", several) if "pk" in kinds else ():
                assert re.search(rf"^  {part} .*\bnot null\b", columns, re.MULTILINE), f"{table}.{part} is a key"
    for table, column, sign, other, key, delete in REF.findall(text):
        assert sign in "->"
        yield f"{table}.{column} refers to {other}.{key}, {delete or 'no action'}"


def read_column(table: str, name: str, kind: str, settings: str) -> Iterator[str]:
    kinds, values = read_settings(settings)
    yield f"{table}.{name} is {kind}" + " not null" * bool({"pk", "not null"} & kinds)
    if "increment" in kinds:
        yield f"{table}.{name} is an identity"
    if "pk" in kinds:
        yield f"{table} has the key ({name})"
    if "unique" in kinds:
        yield f"{table} has unique ({name})"
    if "default" in values:
        yield f"{table}.{name} defaults to {values['default']}"
    if "note" in values:
        yield f"{table}.{name}: {values['note']}"


def read_settings(settings: str) -> tuple[set[str], dict[str, str]]:
    found = SETTING.findall(settings)
    kinds = {kind for kind, *_ in found if kind}
    return kinds, {default or name: value or unquote(text) for kind, default, value, name, text in found if not kind}


def unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])
