import { z } from "zod";
import { error, type Finding, ok, warning } from "./finding.ts";
import type { Probe } from "./probe.ts";

const NAMES_MAX = 5;

const Published = z.object({
  /** Publications that send something of ours. */
  publications: z.array(z.string()),
  /** Whether the server's log can be decoded at all. */
  is_decoded: z.boolean(),
  /** As `table (publication p)`: its updates and deletes are refused. */
  refused: z.array(z.string()),
  /** Publications of all tables, or of the whole schema. */
  whole: z.array(z.string()),
});

/**
 * Whether what is published can be: the server refuses updates and deletes of a table whose rows
 * the subscriber could not find.
 */
export const publicationsProbe: Probe = {
  subject: "publications",
  async look({ db }) {
    const [row] = await db.query({
      text: PUBLISHED,
      // Whole words of a filter; in a literal of SQL a setting decides what a backslash means.
      values: [db.schema, String.raw`\m%s\M`, NAMES_MAX],
    });
    return judgePublications(Published.parse(row));
  },
};

export function judgePublications(facts: z.output<typeof Published>): Finding[] {
  const { publications, is_decoded, refused, whole } = facts;
  const findings = [
    ...(refused.length > 0
      ? [
          error(
            "publications",
            `updates and deletes are refused of ${refused.join(", ")}`,
            "publish it whole, or inserts alone (publish = 'insert'), or filter by the columns " +
              "of its primary key; alter table … replica identity as in sql/migrations",
          ),
        ]
      : []),
    ...(is_decoded && whole.length > 0
      ? [
          warning(
            "publications",
            `${whole.join(", ")} publishes all tables: old partitions are not merged`,
            "publish live_tasks, final_tasks and task_history by name, with " +
              "publish_via_partition_root = true",
          ),
        ]
      : []),
  ];
  const found = publications.length === 0 ? "none of ours" : publications.join(", ");
  return findings.length > 0 ? findings : [ok("publications", found)];
}

/** What names a row of each table, against what its publications want to send of a change. */
const PUBLISHED = `
  with published as (
    select
      shown.pubname, shown.tablename, shown.attnames, shown.rowfilter,
      (publication.pubupdate or publication.pubdelete) as sends_changes,
      (
        publication.puballtables
        or exists (
          select from pg_publication_namespace as part
          where part.pnpubid = publication.oid and part.pnnspid = $1::text::regnamespace
        )
      ) as is_whole,
      ours.oid as table_id, ours.relreplident as identity
    from pg_publication_tables as shown
    join pg_publication as publication on publication.pubname = shown.pubname
    join pg_class as ours
      on ours.relname = shown.tablename and ours.relnamespace = $1::text::regnamespace
    where shown.schemaname = $1::text
  ),
  named_by as (
    select
      published.*,
      case identity
        when 'n' then null
        when 'f' then array(
          select attname from pg_attribute
          where attrelid = table_id and attnum > 0 and not attisdropped
        )
        else (
          select array_agg(attname)
          from pg_index
          join pg_attribute on attrelid = table_id and attnum = any (indkey)
          where indrelid = table_id and case identity when 'd' then indisprimary else indisreplident end
        )
      end as identity_columns
    from published
    where sends_changes
  ),
  refused as (
    select distinct format('%s (publication %s)', tablename, pubname) as line
    from named_by
    where
      identity_columns is null
      or not identity_columns <@ attnames
      or exists (
        select from pg_attribute
        where
          attrelid = table_id and attnum > 0 and not attisdropped
          and attname <> all (identity_columns)
          and regexp_replace(rowfilter, '''[^'']*''', '', 'g') ~ format($2, attname)
      )
  )
  select
    array(select distinct pubname::text from published order by 1 limit $3) as publications,
    current_setting('wal_level') = 'logical' as is_decoded,
    array(select line from refused order by 1 limit $3) as refused,
    array(
      select distinct pubname::text from published where is_whole order by 1 limit $3
    ) as whole`;
