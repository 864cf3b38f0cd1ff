"""Settings and feature flags of companies."""

from certify_stack.erp.catalog import COMPANY, USER
from certify_stack.kit.model import Access, Choice, Entity, Service, boolean, choice, foreign, integer, text
from certify_stack.kit.roles import ADMINS

VALUE_TYPE = Choice(
    "SettingType",
    "How the text of a setting is to be read.",
    {"TEXT": "As it is.", "NUMBER": "As a decimal number.", "FLAG": "As true or false."},
)
ADMINISTERED = Access(create=ADMINS, update=ADMINS, delete=ADMINS)

SERVICE = Service(
    name="configuration",
    description="Settings and feature flags, for the group or for one company.",
    entities=(
        Entity(
            name="Setting",
            plural="Settings",
            table="setting",
            description="A named value that changes how services behave.",
            access=ADMINISTERED,
            fields=(
                text("name", "Dotted name, such as invoice.due-days.", max_length=120, sample="setting.{}"),
                choice("value_type", "How the text is to be read.", VALUE_TYPE),
                text("value", "The value as text.", max_length=2000, sample="{}"),
                foreign("company", COMPANY, "The company for which it holds; absent: for all.", required=False),
                foreign("changed_by", USER, "Who set it last.", required=False),
            ),
            filters=("company",),
        ),
        Entity(
            name="FeatureFlag",
            plural="FeatureFlags",
            table="feature_flag",
            description="A feature that can be switched at run time.",
            access=ADMINISTERED,
            fields=(
                text("name", "Dotted name of the feature.", max_length=120, sample="feature.{}"),
                boolean("enabled", "Whether it is on."),
                integer("rollout_percent", "Share of users who see it when it is on."),
                foreign("company", COMPANY, "The company for which it holds; absent: for all.", required=False),
            ),
            filters=("company",),
        ),
    ),
)
