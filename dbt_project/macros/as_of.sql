{#- The day the segments are of, as a SQL date. See `vars` in dbt_project.yml. -#}
{% macro as_of() -%}
    date '{{ var("as_of") }}'
{%- endmacro %}
