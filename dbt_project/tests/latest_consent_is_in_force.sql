-- No answer may be newer than the one in force, and everybody who answered has one. Written differently from the model
-- on purpose, so that a mistake in its window is not repeated here.
with in_force as (
    select
        answers.customer_id,
        answers.channel,
        answers.granted
    from {{ source('raw', 'consents') }} as answers
    where not exists (
        select 1
        from {{ source('raw', 'consents') }} as newer
        where newer.customer_id = answers.customer_id
            and newer.channel = answers.channel
            and (newer.changed_at, newer.consent_id) > (answers.changed_at, answers.consent_id)
    )
)

(
    select customer_id, channel, granted from in_force
    except all
    select customer_id, channel, granted from {{ ref('stg_consents') }}
)
union all
(
    select customer_id, channel, granted from {{ ref('stg_consents') }}
    except all
    select customer_id, channel, granted from in_force
)
