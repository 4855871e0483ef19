with buying as (
    select
        customer_id,
        count(*) as purchases
    from {{ ref('stg_events') }}
    where event = 'purchase' and happened_at >= {{ as_of() }} - 365
    group by customer_id
    having count(*) >= 10
)

select
    customers.customer_id,
    customers.email,
    customers.phone,
    customers.country,
    buying.purchases,
    consents.granted as marketing_consent
from buying
inner join {{ ref('stg_customers') }} as customers
    on customers.customer_id = buying.customer_id
left join {{ ref('stg_consents') }} as consents
    on consents.customer_id = customers.customer_id and consents.channel = 'advertising'
