"""The models of the stand-in: field names, types and relations as Odoo 17 and 19 have them, as far as we use them."""

from __future__ import annotations

from typing import Any

import msgspec

#: Types kept in a column of their own; many2many is a JSON list, one2many is the other side of a many2one.
STORED = {
    "char": "TEXT",
    "text": "TEXT",
    "html": "TEXT",
    "selection": "TEXT",
    "date": "TEXT",
    "datetime": "TEXT",
    "integer": "INTEGER",
    "many2one_reference": "INTEGER",
    "boolean": "INTEGER",
    "float": "REAL",
    "monetary": "REAL",
    "many2one": "INTEGER",
    "many2many": "TEXT",
}


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a model."""

    type: str
    string: str
    relation: str | None = None
    #: Of a one2many: the many2one on the other side.
    inverse: str | None = None
    required: bool = False
    #: False: computed when read.
    stored: bool = True
    digits: tuple[int, int] | None = None
    selection: tuple[str, ...] = ()
    default: Any = None

    @property
    def in_table(self) -> bool:
        """Whether there is a column for it."""
        return self.stored and self.type in STORED


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One model."""

    name: str
    label: str
    fields: dict[str, Field]
    #: Field that names a record.
    title: str = "name"
    order: str = "id"

    @property
    def table(self) -> str:
        """Its table in the database."""
        return self.name.replace(".", "_")


def text(label: str, **more: Any) -> Field:
    """A line of text."""
    return Field(type="char", string=label, **more)


def flag(label: str, default: bool | None = None) -> Field:
    """Yes or no."""
    return Field(type="boolean", string=label, default=default)


def number(label: str, digits: int | None = None, **more: Any) -> Field:
    """A number with decimals."""
    return Field(type="float", string=label, digits=None if digits is None else (16, digits), **more)


def stamp(label: str, **more: Any) -> Field:
    """A time in UTC."""
    return Field(type="datetime", string=label, **more)


def one(relation: str, label: str, **more: Any) -> Field:
    """many2one."""
    return Field(type="many2one", string=label, relation=relation, **more)


def lines(relation: str, inverse: str, label: str) -> Field:
    """one2many."""
    return Field(type="one2many", string=label, relation=relation, inverse=inverse, stored=False)


def many(relation: str, label: str) -> Field:
    """many2many."""
    return Field(type="many2many", string=label, relation=relation)


def choice(label: str, *selection: str, default: str | None = None, required: bool = False) -> Field:
    """One of several words; without a list, of many."""
    return Field(type="selection", string=label, selection=selection, default=default, required=required)


def computed(type_: str, label: str, **more: Any) -> Field:
    """Worked out when read."""
    return Field(type=type_, string=label, stored=False, **more)


_LOG = {
    "create_uid": one("res.users", "Created by"),
    "create_date": stamp("Created on"),
    "write_uid": one("res.users", "Last Updated by"),
    "write_date": stamp("Last Updated on"),
}


def models(version: str) -> dict[str, Model]:
    """All models of that version ("17.0" or "19.0")."""
    new = not version.startswith("17")
    found = [*_base(new=new), *_goods(new=new), *_sales(new=new), *_stock(new=new)]
    return {model.name: model for model in found}


def _model(name: str, label: str, order: str = "id", title: str = "name", /, **fields: Field) -> Model:
    every = {"display_name": computed("char", "Display Name"), **fields, **_LOG}
    return Model(name=name, label=label, fields=every, order=order, title=title)


def _base(*, new: bool) -> list[Model]:
    groups = {"group_ids" if new else "groups_id": many("res.groups", "Groups")}
    gln = {"global_location_number": text("GLN")} if new else {}
    company = {"company_id": one("res.company", "Company")}
    return [
        _model(
            "res.lang",
            "Languages",
            name=text("Name", required=True),
            code=text("Code", required=True),
            active=flag("Active", True),
        ),
        _model("res.country", "Country", name=text("Name", required=True), code=text("Country Code", required=True)),
        _model(
            "res.country.state",
            "Country state",
            name=text("Name", required=True),
            code=text("State Code", required=True),
            country_id=one("res.country", "Country", required=True),
        ),
        _model(
            "res.currency",
            "Currency",
            name=text("Currency", required=True),
            symbol=text("Symbol", required=True),
            active=flag("Active", True),
        ),
        _model("res.groups", "Access Groups", name=text("Name", required=True)),
        _model(
            "res.company",
            "Companies",
            name=text("Company Name", required=True),
            partner_id=one("res.partner", "Partner", required=True),
            currency_id=one("res.currency", "Currency", required=True),
        ),
        _model(
            "res.users",
            "User",
            name=text("Name", required=True),
            login=text("Login", required=True),
            password=text("Password"),
            active=flag("Active", True),
            tz=choice("Timezone"),
            lang=choice("Language", default="en_US"),
            partner_id=one("res.partner", "Related Partner", required=True),
            company_id=one("res.company", "Company"),
            company_ids=many("res.company", "Companies"),
            **groups,
        ),
        _model(
            "res.partner",
            "Contact",
            "name,id",
            name=text("Name"),
            active=flag("Active", True),
            is_company=flag("Is a Company"),
            type=choice("Address Type", "contact", "invoice", "delivery", "other", default="contact"),
            parent_id=one("res.partner", "Related Company"),
            child_ids=lines("res.partner", "parent_id", "Contact"),
            commercial_partner_id=one("res.partner", "Commercial Entity"),
            ref=text("Reference"),
            barcode=text("Barcode"),
            **gln,
            street=text("Street"),
            street2=text("Street2"),
            city=text("City"),
            zip=text("Zip"),
            state_id=one("res.country.state", "State"),
            country_id=one("res.country", "Country"),
            vat=text("Tax ID"),
            email=text("Email"),
            phone=text("Phone"),
            property_product_pricelist=one("product.pricelist", "Pricelist"),
            **company,
        ),
        _model(
            "ir.model.data",
            "Model Data",
            module=text("Module", required=True),
            name=text("External Identifier", required=True),
            model=text("Model Name", required=True),
            res_id=Field(type="many2one_reference", string="Record ID"),
            noupdate=flag("Non Updatable"),
        ),
        _model(
            "ir.sequence",
            "Sequence",
            name=text("Name", required=True),
            code=text("Sequence Code"),
            prefix=text("Prefix"),
            padding=Field(type="integer", string="Sequence Size"),
            number_next=Field(type="integer", string="Next Number", default=1),
        ),
    ]


def _goods(*, new: bool) -> list[Model]:
    common = {
        "name": text("Unit of Measure", required=True),
        "active": flag("Active", True),
        "rounding": number("Rounding"),
    }
    if new:
        unit = _model(
            "uom.uom",
            "Product Unit of Measure",
            "id",
            **common,
            factor=number("Absolute Quantity"),
            relative_factor=number("Contains", required=True),
            relative_uom_id=one("uom.uom", "Reference Unit"),
            parent_path=text("Parent Path"),
        )
    else:
        unit = _model(
            "uom.uom",
            "Product Unit of Measure",
            "id",
            **common,
            category_id=one("uom.category", "Category", required=True),
            uom_type=choice("Type", "bigger", "reference", "smaller", required=True),
            factor=number("Ratio", required=True),
            factor_inv=number("Bigger Ratio", required=True),
        )
    kind = (
        {
            "type": choice("Product Type", "consu", "service", "combo", default="consu"),
            "is_storable": flag("Track Inventory"),
        }
        if new
        else {
            "type": choice("Product Type", "consu", "service", "product", default="consu"),
            "detailed_type": choice("Product Type", "consu", "service", "product", default="consu"),
        }
    )
    return [
        *(
            []
            if new
            else [
                _model("uom.category", "Product UoM Categories", name=text("Unit of Measure Category", required=True))
            ]
        ),
        unit,
        _model(
            "product.pricelist",
            "Pricelist",
            name=text("Pricelist Name", required=True),
            active=flag("Active", True),
            currency_id=one("res.currency", "Currency", required=True),
            company_id=one("res.company", "Company"),
        ),
        _model("product.template", "Product", name=text("Name", required=True), active=flag("Active", True)),
        _model(
            "product.product",
            "Product Variant",
            "default_code,name,id",
            name=text("Name", required=True),
            default_code=text("Internal Reference"),
            barcode=text("Barcode"),
            active=flag("Active", True),
            sale_ok=flag("Sales", True),
            purchase_ok=flag("Purchase", True),
            list_price=number("Sales Price", 2, default=1.0),
            standard_price=number("Cost", 2),
            weight=number("Weight", 2),
            uom_id=one("uom.uom", "Unit of Measure", required=True),
            tracking=choice("Tracking", "serial", "lot", "none", default="none", required=True),
            product_tmpl_id=one("product.template", "Product Template", required=True),
            company_id=one("res.company", "Company"),
            **kind,
        ),
    ]


def _sales(*, new: bool) -> list[Model]:
    unit = "product_uom_id" if new else "product_uom"
    states = ("draft", "sent", "sale", "cancel")
    return [
        _model(
            "sale.order",
            "Sales Order",
            "date_order desc,id desc",
            name=text("Order Reference", required=True),
            state=choice("Status", *states, default="draft"),
            locked=flag("Locked"),
            partner_id=one("res.partner", "Customer", required=True),
            partner_invoice_id=one("res.partner", "Invoice Address", required=True),
            partner_shipping_id=one("res.partner", "Delivery Address", required=True),
            client_order_ref=text("Customer Reference"),
            origin=text("Source Document"),
            date_order=stamp("Order Date", required=True),
            commitment_date=stamp("Delivery Date"),
            note=Field(type="html", string="Terms and conditions"),
            user_id=one("res.users", "Salesperson"),
            company_id=one("res.company", "Company", required=True),
            currency_id=one("res.currency", "Currency"),
            pricelist_id=one("product.pricelist", "Pricelist"),
            amount_untaxed=Field(type="monetary", string="Untaxed Amount"),
            amount_tax=Field(type="monetary", string="Taxes"),
            amount_total=Field(type="monetary", string="Total"),
            order_line=lines("sale.order.line", "order_id", "Order Lines"),
            picking_ids=lines("stock.picking", "sale_id", "Transfers"),
        ),
        _model(
            "sale.order.line",
            "Sales Order Line",
            "order_id,sequence,id",
            order_id=one("sale.order", "Order Reference", required=True),
            sequence=Field(type="integer", string="Sequence", default=10),
            display_type=choice("Display Type", "line_section", "line_note"),
            name=Field(type="text", string="Description", required=True),
            product_id=one("product.product", "Product"),
            product_uom_qty=number("Quantity", 2, required=True),
            **{unit: one("uom.uom", "Unit of Measure")},
            price_unit=number("Unit Price", None if new else 2, required=True),
            discount=number("Discount (%)", 2),
            price_subtotal=Field(type="monetary", string="Subtotal"),
            qty_delivered=number("Delivery Quantity", 2),
            state=computed("selection", "Order Status", selection=states),
            company_id=one("res.company", "Company"),
            move_ids=lines("stock.move", "sale_line_id", "Stock Moves"),
        ),
    ]


def _stock(*, new: bool) -> list[Model]:
    package = "stock.package" if new else "stock.quant.package"
    company = {"company_id": one("res.company", "Company")}
    states = ("draft", "waiting", "confirmed", "assigned", "done", "cancel")
    nesting = {
        "parent_package_id": one(package, "Container"),
        "package_dest_id": one(package, "Destination Container"),
    }
    kept = {"package_history_ids": many("stock.package.history", "Transfered Packages")}
    history = [
        _model(
            "stock.package.history",
            "Package History",
            "id",
            "package_name",
            package_id=one(package, "Package", required=True),
            package_name=text("Package Name", required=True),
            parent_dest_id=one(package, "Destination Container"),
            picking_ids=many("stock.picking", "Transfers"),
        )
    ]
    if not new:
        nesting, kept, history = {}, {}, []
    return [
        _model(
            "stock.location",
            "Inventory Locations",
            "complete_name,id",
            "complete_name",
            name=text("Location Name", required=True),
            complete_name=text("Full Location Name"),
            usage=choice("Location Type", required=True),
            **company,
        ),
        _model(
            "stock.warehouse",
            "Warehouse",
            name=text("Warehouse", required=True),
            code=text("Short Name", required=True),
            partner_id=one("res.partner", "Address"),
            **company,
        ),
        _model(
            "stock.picking.type",
            "Picking Type",
            name=text("Operation Type", required=True),
            code=choice("Type of Operation", "incoming", "outgoing", "internal"),
            sequence_code=text("Sequence Prefix", required=True),
            warehouse_id=one("stock.warehouse", "Warehouse"),
            **company,
        ),
        _model(
            "stock.picking",
            "Transfer",
            "scheduled_date desc,id desc",
            name=text("Reference"),
            origin=text("Source Document"),
            state=choice("Status", *states, default="draft"),
            partner_id=one("res.partner", "Contact"),
            picking_type_id=one("stock.picking.type", "Operation Type", required=True),
            picking_type_code=choice("Type of Operation", "incoming", "outgoing", "internal"),
            location_id=one("stock.location", "Source Location", required=True),
            location_dest_id=one("stock.location", "Destination Location", required=True),
            scheduled_date=stamp("Scheduled Date"),
            date_done=stamp("Date of Transfer"),
            sale_id=one("sale.order", "Sales Order"),
            backorder_id=one("stock.picking", "Back Order of"),
            backorder_ids=lines("stock.picking", "backorder_id", "Back Orders"),
            move_ids=lines("stock.move", "picking_id", "Stock moves"),
            move_line_ids=lines("stock.move.line", "picking_id", "Operations"),
            **kept,
            **company,
        ),
        _model(
            "stock.move",
            "Stock Move",
            "sequence,id",
            "product_id",
            **({} if new else {"name": text("Description")}),
            sequence=Field(type="integer", string="Sequence", default=10),
            state=choice("Status", *states, default="draft"),
            picking_id=one("stock.picking", "Transfer"),
            product_id=one("product.product", "Product", required=True),
            product_uom_qty=number("Demand", 2, required=True),
            product_uom=one("uom.uom", "Unit", required=True),
            quantity=number("Quantity", 2),
            picked=flag("Picked"),
            sale_line_id=one("sale.order.line", "Sale Line"),
            move_line_ids=lines("stock.move.line", "move_id", "Move Lines"),
            **company,
        ),
        _model(
            "stock.move.line",
            "Product Moves (Stock Move Line)",
            "id",
            "product_id",
            picking_id=one("stock.picking", "Transfer"),
            move_id=one("stock.move", "Stock Operation"),
            product_id=one("product.product", "Product"),
            quantity=number("Quantity", 2),
            product_uom_id=one("uom.uom", "Unit of Measure", required=True),
            picked=flag("Picked"),
            state=computed("selection", "Status", selection=states),
            lot_id=one("stock.lot", "Lot/Serial Number"),
            lot_name=text("Lot/Serial Number Name"),
            package_id=one(package, "Source Package"),
            result_package_id=one(package, "Destination Package"),
            **company,
        ),
        _model(
            package,
            "Package" if new else "Packages",
            name=text("Package Reference", required=True),
            **nesting,
            **company,
        ),
        *history,
        _model(
            "stock.lot",
            "Lot/Serial",
            name=text("Lot/Serial Number", required=True),
            product_id=one("product.product", "Product", required=True),
            expiration_date=stamp("Expiration Date"),
            **company,
        ),
    ]
