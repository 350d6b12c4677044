from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("pages", "0003_token_pages"),
    ]

    operations = [
        migrations.AddField(
            model_name="page",
            name="requires_approval",
            field=models.BooleanField(
                default=False,
                help_text="What a person posts waits until another publisher has approved exactly that text. Integrations, tokens and commands are not held up.",
                verbose_name="second person approves",
            ),
        ),
    ]
