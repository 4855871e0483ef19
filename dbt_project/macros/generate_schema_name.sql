{#- A model's schema is the one it names: `segments`, not dbt's default `main_segments`. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
