"""What is in the store is told by its hash, and what is being replaced is kept until it is."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('images', '0001_images'),
    ]

    operations = [
        migrations.AddField(
            model_name='imageheader',
            name='frame_hash',
            field=models.UUIDField(blank=True, help_text="Of the frame in the store: another one there is not this image's", null=True),
        ),
        migrations.CreateModel(
            name='Replacement',
            fields=[
                ('header', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='images.imageheader')),
                ('content', models.BinaryField(help_text="The frame and the pictures by their sizes, as NumPy's npz")),
            ],
        ),
    ]
