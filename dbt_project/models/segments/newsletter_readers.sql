with reading as (
    select
        customer_id,
        max(happened_at) as last_opened_at
    from {{ ref('stg_events') }}
    where event = 'newsletter_opened' and happened_at >= {{ as_of() }} - 60
    group by customer_id
)

select
    customers.customer_id,
    customers.email,
    reading.last_opened_at,
    advertising.granted as marketing_consent
from reading
inner join {{ ref('stg_customers') }} as customers
    on customers.customer_id = reading.customer_id
-- People who unsubscribed are not readers, even if they opened an old issue since.
inner join {{ ref('stg_consents') }} as newsletter
    on newsletter.customer_id = customers.customer_id and newsletter.channel = 'newsletter' and newsletter.granted
left join {{ ref('stg_consents') }} as advertising
    on advertising.customer_id = customers.customer_id and advertising.channel = 'advertising'
