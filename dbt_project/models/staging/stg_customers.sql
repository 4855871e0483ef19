-- One row per customer number: the newest load. Identifiers stay as they arrived: the pipeline cleans them,
-- once, by one set of rules.
select
    customer_id,
    email,
    billing_email,
    phone,
    case upper(trim(country, e' \t\r\n\x0b')) when 'UK' then 'GB' else trim(country, e' \t\r\n\x0b') end as country,
    device_id,
    signed_up_with,
    signed_up_on,
    plan,
    cancelled_on,
    birth_year
from {{ source('raw', 'customers') }}
qualify row_number() over (partition by customer_id order by loaded_at desc) = 1
