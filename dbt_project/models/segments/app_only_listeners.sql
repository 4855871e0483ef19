select
    customers.customer_id,
    customers.device_id,
    customers.signed_up_on,
    consents.granted as marketing_consent
from {{ ref('stg_customers') }} as customers
left join {{ ref('stg_consents') }} as consents
    on consents.customer_id = customers.customer_id and consents.channel = 'advertising'
where customers.signed_up_with = 'app' and customers.device_id is not null
