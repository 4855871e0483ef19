with listening as (
    select
        customer_id,
        max(happened_at) as last_listened_at
    from {{ ref('stg_events') }}
    where event = 'listened' and happened_at >= {{ as_of() }} - 30
    group by customer_id
)

select
    customers.customer_id,
    customers.email,
    customers.phone,
    customers.country,
    listening.last_listened_at,
    consents.granted as marketing_consent
from listening
inner join {{ ref('stg_customers') }} as customers
    on customers.customer_id = listening.customer_id
left join {{ ref('stg_consents') }} as consents
    on consents.customer_id = customers.customer_id and consents.channel = 'advertising'
